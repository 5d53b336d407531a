#include "chat/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct view *view_new(void) {
    return mem_new(sizeof(struct view));
}

static void free_part(struct view_part *part) {
    free(part->name);
    free(part->text);
    free(part->data);
    for (size_t i = 0; i < part->columns * part->rows; i++)
        free(part->cells[i]);
    free(part->cells);
}

struct view *view_free(struct view *view) {
    if (!view)
        return NULL;
    for (size_t i = 0; i < view->part_count; i++)
        free_part(&view->parts[i]);
    for (size_t i = 0; i < view->button_count; i++) {
        free(view->buttons[i].label);
        free(view->buttons[i].content);
    }
    free(view->parts);
    free(view->buttons);
    free(view);
    return NULL;
}

static struct view_part *add_part(struct view *view, enum view_kind kind) {
    view->parts = mem_grow(view->parts, (view->part_count + 1) * sizeof(*view->parts));
    struct view_part *part = &view->parts[view->part_count++];
    *part = (struct view_part) { .kind = kind };
    return part;
}

static char *print(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

static char *print(const char *format, va_list args) {
    char *text = NULL;

    if (vasprintf(&text, format, args) < 0)
        abort(); /* out of memory, as mem_new() */
    return text;
}

void view_title(struct view *view, const char *format, ...) {
    struct view_part *title = NULL;
    va_list args;

    for (size_t i = 0; i < view->part_count; i++)
        if (view->parts[i].kind == VIEW_TITLE)
            title = &view->parts[i];
    if (!title)
        title = add_part(view, VIEW_TITLE);
    free(title->text);
    va_start(args, format);
    title->text = print(format, args);
    va_end(args);
}

void view_text(struct view *view, const char *format, ...) {
    va_list args;

    va_start(args, format);
    add_part(view, VIEW_TEXT)->text = print(format, args);
    va_end(args);
}

void view_note(struct view *view, const char *format, ...) {
    va_list args;

    va_start(args, format);
    add_part(view, VIEW_NOTE)->text = print(format, args);
    va_end(args);
}

void view_field(struct view *view, const char *name, const char *format, ...) {
    struct view_part *part = add_part(view, VIEW_FIELD);
    va_list args;

    part->name = mem_strdup(name);
    va_start(args, format);
    part->text = print(format, args);
    va_end(args);
}

void view_code(struct view *view, const char *text) {
    add_part(view, VIEW_CODE)->text = mem_strdup(text);
}

static void add_cell(struct view_part *table, size_t at, const char *text) {
    table->cells[at] = mem_strdup(text ? text : "");
}

static void add_row(struct view_part *table) {
    table->rows++;
    table->cells =
        mem_grow(table->cells, table->columns * table->rows * sizeof(*table->cells));
}

void view_table(struct view *view, const char *head, ...) {
    struct view_part *table = add_part(view, VIEW_TABLE);
    va_list args;

    va_start(args, head);
    for (const char *at = head; at; at = va_arg(args, const char *))
        table->columns++;
    va_end(args);
    add_row(table);
    va_start(args, head);
    const char *at = head;
    for (size_t i = 0; at; i++, at = va_arg(args, const char *))
        add_cell(table, i, at);
    va_end(args);
}

void view_cells(struct view *view, const char *const *cells) {
    struct view_part *table = NULL;

    for (size_t i = 0; i < view->part_count; i++)
        if (view->parts[i].kind == VIEW_TABLE)
            table = &view->parts[i];
    if (!table)
        return;
    add_row(table);
    for (size_t i = 0; i < table->columns; i++)
        add_cell(table, (table->rows - 1) * table->columns + i, cells[i]);
}

static void add_bytes(struct view *view,
                      enum view_kind kind,
                      const char *name,
                      struct slice bytes) {
    struct view_part *part = add_part(view, kind);

    part->name = mem_strdup(name);
    part->data = mem_new(bytes.len + 1); /* never NULL */
    if (bytes.len > 0)
        memcpy(part->data, bytes.at, bytes.len);
    part->len = bytes.len;
}

void view_picture(struct view *view, struct slice png, const char *description) {
    add_bytes(view, VIEW_PICTURE, description, png);
}

void view_document(struct view *view, const char *name, struct slice bytes) {
    add_bytes(view, VIEW_DOCUMENT, name, bytes);
}

void view_row(struct view *view) {
    view->row++;
}

/* Takes the content over. */
static void add_button(struct view *view,
                       enum view_button_kind kind,
                       enum view_style style,
                       const char *label,
                       char *content) {
    bool is_action = kind == VIEW_ACTION || kind == VIEW_CONFIRMED;

    if (view->button_count == VIEW_BUTTONS_MAX ||
        (is_action && strlen(content) > VIEW_ACTION_MAX)) {
        free(content);
        return;
    }
    view->buttons =
        mem_grow(view->buttons, (view->button_count + 1) * sizeof(*view->buttons));
    view->buttons[view->button_count++] = (struct view_button) {
        .kind = kind,
        .style = style,
        .label = mem_strdup(label),
        .content = content,
        .row = view->row,
    };
}

void view_button(struct view *view,
                 enum view_style style,
                 const char *label,
                 const char *format,
                 ...) {
    va_list args;

    va_start(args, format);
    add_button(view, VIEW_ACTION, style, label, print(format, args));
    va_end(args);
}

void view_confirm(struct view *view,
                  enum view_style style,
                  const char *label,
                  const char *format,
                  ...) {
    va_list args;

    va_start(args, format);
    add_button(view, VIEW_CONFIRMED, style, label, print(format, args));
    va_end(args);
}

void view_link(struct view *view, const char *label, const char *url) {
    add_button(view, VIEW_LINK, VIEW_PLAIN, label, mem_strdup(url));
}

void view_copy(struct view *view, const char *label, const char *text) {
    add_button(view, VIEW_COPY, VIEW_PLAIN, label, mem_strdup(text));
}

static void print_table(const struct view_part *table, struct buf *out) {
    for (size_t i = 0; i < table->rows; i++)
        for (size_t k = 0; k < table->columns; k++)
            buf_printf(out, "%s%c", table->cells[i * table->columns + k],
                       k + 1 < table->columns ? '\t' : '\n');
}

static void print_part(const struct view_part *part, struct buf *out) {
    switch (part->kind) {
    case VIEW_FIELD:
        buf_printf(out, "%s: %s\n", part->name, part->text);
        break;
    case VIEW_TABLE:
        print_table(part, out);
        break;
    case VIEW_PICTURE:
    case VIEW_DOCUMENT:
        buf_printf(out, "[%s, %zu bytes]\n", part->name, part->len);
        break;
    default:
        buf_printf(out, "%s\n", part->text);
    }
}

void view_print(const struct view *view, struct buf *out) {
    for (size_t i = 0; i < view->part_count; i++)
        print_part(&view->parts[i], out);
    for (size_t i = 0; i < view->button_count; i++) {
        bool is_new_row = i > 0 && view->buttons[i].row != view->buttons[i - 1].row;
        buf_printf(out, "%s[%s]",
                   is_new_row ? "\n"
                   : i > 0    ? " "
                              : "",
                   view->buttons[i].label);
    }
    if (view->button_count > 0)
        buf_printf(out, "\n");
}

/* Curly quotes and long dashes count like straight ones where they begin a word. */
static bool begins_with_mark(const char *word) {
    return strncmp(word, "\xe2\x80", 2) == 0 || strncmp(word, "\u00ab", 2) == 0 ||
           strncmp(word, "\u00bb", 2) == 0;
}

void view_quote(struct buf *out, const char *word) {
    bool is_bare = word[0] != '\0' && word[0] != '-' && !begins_with_mark(word);

    for (const char *at = word; *at; at++)
        is_bare = is_bare && *at != ' ' && *at != '"' && *at != '\\' && *at != '\n' &&
                  *at != '\t' && *at != '\r';
    if (is_bare) {
        buf_printf(out, "%s", word);
        return;
    }
    buf_printf(out, "\"");
    for (const char *at = word; *at; at++)
        buf_printf(out, "%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
    buf_printf(out, "\"");
}
