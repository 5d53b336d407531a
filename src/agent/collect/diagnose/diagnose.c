#include "agent/collect/diagnose/diagnose.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/collect/source.h"
#include "base/mem.h"
#include "wire/utf8.h"

enum { FILE_MAX = 4096, PATH_CAP = 4096 };

static void item_done(struct diagnose_item *item) {
    for (size_t i = 0; i < item->count; i++)
        free(item->fields[i].value);
    free(item->fields);
    free(item->name);
    free(item->concern);
}

void diagnose_done(struct diagnose *diagnose) {
    for (size_t i = 0; i < diagnose->count; i++) {
        struct diagnose_section *section = &diagnose->sections[i];
        for (size_t at = 0; at < section->count; at++)
            item_done(&section->items[at]);
        free(section->items);
    }
    diagnose->count = 0;
}

/* --- building --- */

/* One line of text that a person can read, whatever came; cut. Takes the text. */
static char *clean(char *text) {
    struct slice rest = slice_of_text(text);
    struct buf out = { 0 };

    while (rest.len > 0 && out.len < DIAGNOSE_VALUE_MAX) {
        size_t len = utf8_char_len(rest);
        bool is_plain = len > 1 || (len == 1 && *rest.at >= ' ' && *rest.at != 0x7f);
        if (is_plain)
            buf_add(&out, rest.at, len);
        else
            buf_add_byte(&out, *rest.at == '\n' || *rest.at == '\t' ? ' ' : '?');
        rest = slice_after(rest, len > 0 ? len : 1);
    }
    while (out.len > 0 && out.data[out.len - 1] == ' ')
        out.len--;
    free(text);
    return buf_take_text(&out);
}

__attribute__((format(printf, 1, 0))) static char *format_clean(const char *format,
                                                                va_list args) {
    struct buf text = { 0 };

    buf_vprintf(&text, format, args);
    return clean(buf_take_text(&text));
}

void diagnose_begin(struct diagnose *diagnose, const char *name) {
    diagnose->sections[diagnose->count++] = (struct diagnose_section) { .name = name };
}

void diagnose_item(struct diagnose *diagnose, const char *name) {
    struct diagnose_section *section = &diagnose->sections[diagnose->count - 1];

    /* The last place is used again and again by what is too much. */
    if (section->count == DIAGNOSE_ITEMS_MAX)
        item_done(&section->items[--section->count]);
    section->items =
        mem_grow(section->items, (section->count + 1) * sizeof(*section->items));
    section->items[section->count++] =
        (struct diagnose_item) { .name = clean(mem_strdup(name)) };
}

static struct diagnose_item *last_item(struct diagnose *diagnose) {
    struct diagnose_section *section = &diagnose->sections[diagnose->count - 1];
    return &section->items[section->count - 1];
}

static void add_value(struct diagnose *diagnose, const char *name, char *value) {
    struct diagnose_item *item = last_item(diagnose);

    if (value[0] == '\0' || item->count == DIAGNOSE_FIELDS_MAX) {
        free(value);
        return;
    }
    item->fields = mem_grow(item->fields, (item->count + 1) * sizeof(*item->fields));
    item->fields[item->count++] = (struct diagnose_field) { name, value };
}

void diagnose_add(struct diagnose *diagnose, const char *name, const char *format, ...) {
    va_list args;

    va_start(args, format);
    add_value(diagnose, name, format_clean(format, args));
    va_end(args);
}

void diagnose_worry(struct diagnose *diagnose, const char *format, ...) {
    struct diagnose_item *item = last_item(diagnose);
    va_list args;

    va_start(args, format);
    char *text = format_clean(format, args);
    va_end(args);
    if (!item->concern) {
        item->concern = text;
    } else if (strlen(item->concern) < DIAGNOSE_VALUE_MAX) {
        char *both = mem_printf("%s; %s", item->concern, text);
        free(item->concern);
        free(text);
        item->concern = both;
    } else {
        free(text);
    }
}

/* --- reading --- */

__attribute__((format(printf, 3, 0))) static void make_path(
    const struct diagnose *diagnose,
    char ret_path[static PATH_CAP],
    const char *format,
    va_list args) {
    int len = snprintf(ret_path, PATH_CAP, "%s", diagnose->root);
    if (len >= 0 && len < PATH_CAP)
        vsnprintf(ret_path + len, PATH_CAP - (size_t)len, format, args);
}

static char *read_path(const char *path) {
    char text[FILE_MAX] = "";

    if (source_peek(path, text, sizeof(text)) < 0)
        text[0] = '\0';
    return mem_strdup(text);
}

char *diagnose_read(const struct diagnose *diagnose, const char *path_format, ...) {
    char path[PATH_CAP];
    va_list args;

    va_start(args, path_format);
    make_path(diagnose, path, path_format, args);
    va_end(args);
    return read_path(path);
}

void diagnose_add_file(struct diagnose *diagnose,
                       const char *name,
                       const char *path_format,
                       ...) {
    char path[PATH_CAP];
    va_list args;

    va_start(args, path_format);
    make_path(diagnose, path, path_format, args);
    va_end(args);
    add_value(diagnose, name, clean(read_path(path)));
}

long long diagnose_number(const struct diagnose *diagnose,
                          long long fallback,
                          const char *path_format,
                          ...) {
    char path[PATH_CAP], *end;
    va_list args;

    va_start(args, path_format);
    make_path(diagnose, path, path_format, args);
    va_end(args);
    auto_(mem_freep) char *text = read_path(path);
    long long number = strtoll(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
    return end == text ? fallback : number;
}

char *diagnose_link(const struct diagnose *diagnose, const char *path_format, ...) {
    char path[PATH_CAP], to[PATH_CAP];
    va_list args;

    va_start(args, path_format);
    make_path(diagnose, path, path_format, args);
    va_end(args);
    ssize_t len = readlink(path, to, sizeof(to) - 1);
    to[len > 0 ? len : 0] = '\0';
    const char *slash = strrchr(to, '/');
    return mem_strdup(slash ? slash + 1 : to);
}

const char *diagnose_size(unsigned long long bytes,
                          char ret_text[static DIAGNOSE_SIZE_LEN]) {
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    double number = (double)bytes;
    size_t i = 0;

    while (number >= 1000 && i < 6) {
        number /= 1000;
        i++;
    }
    snprintf(ret_text, DIAGNOSE_SIZE_LEN, i > 0 && number < 10 ? "%.1f %s" : "%.0f %s",
             number, units[i]);
    return ret_text;
}

/* --- for a person --- */

static void print_concerns(const struct diagnose *diagnose, struct buf *out) {
    bool has_some = false;

    for (size_t i = 0; i < diagnose->count; i++) {
        const struct diagnose_section *section = &diagnose->sections[i];
        for (size_t at = 0; at < section->count; at++) {
            const struct diagnose_item *item = &section->items[at];
            if (!item->concern)
                continue;
            if (!has_some)
                buf_add_text(out, "CONCERNS\n");
            has_some = true;
            buf_printf(out, "  %s, %s: %s\n", section->name, item->name, item->concern);
        }
    }
    if (!has_some)
        buf_add_text(out, "Nothing is wrong as far as can be seen.\n");
}

static void print_item(const struct diagnose_item *item, struct buf *out) {
    buf_printf(out, "  %s\n", item->name);
    for (size_t i = 0; i < item->count; i++)
        buf_printf(out, "    %-16s %s\n", item->fields[i].name, item->fields[i].value);
    if (item->concern)
        buf_printf(out, "    %-16s %s\n", "CONCERN", item->concern);
}

void diagnose_print(const struct diagnose *diagnose, struct buf *out) {
    print_concerns(diagnose, out);
    for (size_t i = 0; i < diagnose->count; i++) {
        const struct diagnose_section *section = &diagnose->sections[i];
        if (section->count == 0)
            continue;
        buf_printf(out, "\n%s\n", section->name);
        for (size_t at = 0; at < section->count; at++)
            print_item(&section->items[at], out);
    }
}
