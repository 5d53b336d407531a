#include "chat/telegram/render.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/telegram/keyboard.h"
#include "chat/telegram/letters.h"
#include "chat/telegram/marks.h"
#include "chat/view.h"

enum {
    COLUMN_GAP = 2,
    PNG_HEAD = 24, /* signature, length and name of the first chunk, width, height */
};

/* Behind what was cut; the file has no language. */
static const char cut_note[] = "\n… 📎 message.txt";

static void add_text(struct marks *marks, enum marks_style style, const char *text) {
    marks_add(marks, style, slice_of_text(text));
}

/* --- tables --- */

static const char *cell(const struct view_part *table, size_t row, size_t column) {
    return table->cells[row * table->columns + column];
}

static bool is_number(const char *text) {
    return text[0] == '\0' || strcmp(text, "-") == 0 || strcmp(text, "—") == 0 ||
           isdigit((unsigned char)text[0]) ||
           ((text[0] == '-' || text[0] == '+') && isdigit((unsigned char)text[1]));
}

/* A column of numbers stands at the right. */
static bool is_right(const struct view_part *table, size_t column) {
    for (size_t row = 1; row < table->rows; row++)
        if (!is_number(cell(table, row, column)))
            return false;
    return table->rows > 1;
}

static size_t column_width(const struct view_part *table, size_t column) {
    size_t widest = 0;

    for (size_t row = 0; row < table->rows; row++) {
        size_t width = letters_width(slice_of_text(cell(table, row, column)));
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void add_spaces(struct buf *out, size_t count) {
    while (count-- > 0)
        buf_add_byte(out, ' ');
}

/* Line breaks within a cell would break the table. */
static void add_cell(struct buf *out, const char *text) {
    for (; *text; text++)
        buf_add_byte(out, *text == '\n' || *text == '\t' ? ' ' : (uint8_t)*text);
}

static void add_row(const struct view_part *table,
                    size_t row,
                    const size_t *widths,
                    const bool *rights,
                    struct buf *out) {
    for (size_t i = 0; i < table->columns; i++) {
        const char *text = cell(table, row, i);
        size_t spare = widths[i] - letters_width(slice_of_text(text));
        bool is_last = i + 1 == table->columns;

        add_spaces(out, (i > 0 ? COLUMN_GAP : 0) + (rights[i] ? spare : 0));
        add_cell(out, text);
        add_spaces(out, rights[i] || is_last ? 0 : spare);
    }
}

static void add_table(struct marks *marks, const struct view_part *table) {
    size_t *widths = mem_new_array(table->columns + 1, sizeof(*widths));
    bool *rights = mem_new_array(table->columns + 1, sizeof(*rights));
    struct buf out = { 0 };

    for (size_t i = 0; i < table->columns; i++) {
        widths[i] = column_width(table, i);
        rights[i] = is_right(table, i);
    }
    for (size_t row = 0; row < table->rows; row++) {
        if (row > 0)
            buf_add_byte(&out, '\n');
        add_row(table, row, widths, rights, &out);
    }
    marks_add(marks, MARKS_BLOCK, buf_slice(&out));
    buf_done(&out);
    free(widths);
    free(rights);
}

/* --- texts --- */

static void add_field(struct marks *marks, const struct view_part *part) {
    add_text(marks, MARKS_BOLD, part->name ? part->name : "");
    add_text(marks, MARKS_BOLD, ":");
    add_text(marks, MARKS_PLAIN, " ");
    add_text(marks, MARKS_PLAIN, part->text);
}

static void add_code(struct marks *marks, const char *text) {
    size_t len = strlen(text);

    while (len > 0 && text[len - 1] == '\n')
        len--;
    marks_add(marks, memchr(text, '\n', len) ? MARKS_BLOCK : MARKS_CODE,
              slice_of(text, len));
}

static bool is_file(const struct view_part *part) {
    return part->kind == VIEW_PICTURE || part->kind == VIEW_DOCUMENT;
}

/* Between two parts: fields and notes stand close, others apart. */
static void add_gap(struct marks *marks,
                    const struct view_part *before,
                    const struct view_part *part) {
    bool is_close = before->kind == VIEW_TITLE ||
                    (before->kind == part->kind && part->kind != VIEW_CODE) ||
                    part->kind == VIEW_TABLE || part->kind == VIEW_CODE;

    marks_break(marks);
    if (!is_close)
        marks_break(marks);
}

static void add_part(struct marks *marks, const struct view_part *part) {
    switch (part->kind) {
    case VIEW_TITLE:
        add_text(marks, MARKS_BOLD, part->text);
        break;
    case VIEW_NOTE:
        add_text(marks, MARKS_ITALIC, part->text);
        break;
    case VIEW_FIELD:
        add_field(marks, part);
        break;
    case VIEW_CODE:
        add_code(marks, part->text);
        break;
    case VIEW_TABLE:
        add_table(marks, part);
        break;
    default:
        add_text(marks, MARKS_PLAIN, part->text);
    }
}

static void add_texts(struct marks *marks, const struct view *view) {
    const struct view_part *before = NULL;

    for (size_t i = 0; i < view->part_count; i++) {
        const struct view_part *part = &view->parts[i];
        bool is_empty = part->kind == VIEW_TABLE ? part->rows == 0 : !part->text;
        if (is_file(part) || is_empty)
            continue;
        if (before)
            add_gap(marks, before, part);
        add_part(marks, part);
        before = part;
    }
}

/* --- files --- */

static uint32_t big_endian(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Can it be shown as a picture, or only be sent as a file? */
static bool is_photo(const struct view_part *part) {
    if (part->kind != VIEW_PICTURE || part->len > RENDER_PHOTO_BYTES ||
        part->len < PNG_HEAD)
        return false;
    uint64_t width = big_endian(part->data + 16);
    uint64_t height = big_endian(part->data + 20);
    uint64_t longer = width > height ? width : height;
    uint64_t shorter = width > height ? height : width;
    return shorter > 0 && width + height <= RENDER_PHOTO_SIDES &&
           longer <= shorter * RENDER_PHOTO_RATIO;
}

static struct render_file *add_file(struct render *render,
                                    enum render_kind kind,
                                    char *name,
                                    struct slice content) {
    render->files =
        mem_grow(render->files, (render->file_count + 1) * sizeof(*render->files));
    struct render_file *file = &render->files[render->file_count++];

    *file = (struct render_file) {
        .kind = kind,
        .name = name,
        .data = mem_dup(content.at, content.len),
        .len = content.len,
    };
    if (kind == RENDER_PHOTO)
        crypto_sha256(file->data, file->len, file->digest);
    return file;
}

static char *file_name(const struct view_part *part) {
    if (part->kind == VIEW_PICTURE)
        return mem_strdup("chart.png");
    return mem_strdup(part->name && part->name[0] ? part->name : "file");
}

static void add_files(struct render *render,
                      const struct view *view,
                      enum view_kind kind) {
    for (size_t i = 0; i < view->part_count; i++) {
        const struct view_part *part = &view->parts[i];
        if (part->kind != kind || part->len == 0 || part->len > RENDER_FILE_BYTES)
            continue;
        add_file(render, is_photo(part) ? RENDER_PHOTO : RENDER_DOCUMENT, file_name(part),
                 slice_of(part->data, part->len));
    }
}

/* --- the whole --- */

static bool is_blank(struct slice text) {
    for (size_t i = 0; i < text.len; i++)
        if (!isspace(text.at[i]))
            return false;
    return true;
}

static void write_texts(struct render *render, const struct view *view) {
    size_t units = render->has_media ? RENDER_CAPTION_MAX : RENDER_TEXT_MAX;
    struct marks marks = { 0 };
    struct buf html = { 0 };
    struct buf plain = { 0 };

    add_texts(&marks, view);
    if (is_blank(marks_text(&marks)))
        marks_done(&marks);
    if (marks.text.len == 0 && !render->has_media)
        add_text(&marks, MARKS_PLAIN, "·"); /* an empty message is refused */
    if (marks_write(&marks, units, cut_note, &html, &plain))
        add_file(render, RENDER_DOCUMENT, mem_strdup("message.txt"), marks_text(&marks));
    render->html = buf_take_text(&html);
    render->plain = buf_take_text(&plain);
    marks_done(&marks);
}

struct render *render_view(const struct view *view, const char *const *tokens) {
    struct render *render = mem_new(sizeof(*render));

    render->is_quiet = view->is_quiet;
    add_files(render, view, VIEW_PICTURE);
    add_files(render, view, VIEW_DOCUMENT);
    render->has_media = render->file_count > 0;
    write_texts(render, view);
    render->keyboard = keyboard_write(view, tokens);
    return render;
}

struct render *render_free(struct render *render) {
    if (!render)
        return NULL;
    for (size_t i = 0; i < render->file_count; i++) {
        free(render->files[i].name);
        free(render->files[i].data);
    }
    free(render->files);
    free(render->html);
    free(render->plain);
    free(render->keyboard);
    free(render);
    return NULL;
}

enum render_kind render_kind_of(const struct render *render) {
    return render->has_media ? render->files[0].kind : RENDER_TEXT;
}

size_t render_size(const struct render *render) {
    size_t size = sizeof(*render) + strlen(render->html) + strlen(render->plain) +
                  (render->keyboard ? strlen(render->keyboard) : 0);

    for (size_t i = 0; i < render->file_count; i++)
        size += render->files[i].len;
    return size;
}
