#include "cli/formats/yaml_cursor.h"

#include <stdarg.h>
#include <string.h>

int yaml_cursor_fail(struct yaml_cursor *cursor, const char *format, ...) {
    struct buf why = { 0 };
    size_t line = 1;
    va_list args;

    if (cursor->why)
        return YAML_CURSOR_E_BAD;
    for (size_t i = 0; i < cursor->at && i < cursor->text.len; i++)
        line += cursor->text.at[i] == '\n';
    buf_printf(&why, "line %zu: ", line);
    va_start(args, format);
    buf_vprintf(&why, format, args);
    va_end(args);
    cursor->why = buf_take_text(&why);
    return YAML_CURSOR_E_BAD;
}

int yaml_cursor_peek_at(const struct yaml_cursor *cursor, size_t ahead) {
    size_t at = cursor->at + ahead;
    return at < cursor->text.len ? cursor->text.at[at] : -1;
}

int yaml_cursor_peek(const struct yaml_cursor *cursor) {
    return yaml_cursor_peek_at(cursor, 0);
}

bool yaml_cursor_is_break(int byte) {
    return byte == '\n' || byte == '\r' || byte < 0;
}

bool yaml_cursor_is_blank(int byte) {
    return byte == ' ' || byte == '\t' || yaml_cursor_is_break(byte);
}

size_t yaml_cursor_column(const struct yaml_cursor *cursor) {
    size_t start = cursor->at;

    while (start > 0 && cursor->text.at[start - 1] != '\n')
        start--;
    return cursor->at - start;
}

bool yaml_cursor_skip_to_word(struct yaml_cursor *cursor) {
    while (yaml_cursor_peek(cursor) == ' ' || yaml_cursor_peek(cursor) == '\t')
        cursor->at++;
    bool is_comment =
        yaml_cursor_peek(cursor) == '#' &&
        (cursor->at == 0 || yaml_cursor_is_blank(cursor->text.at[cursor->at - 1]));
    while (is_comment && !yaml_cursor_is_break(yaml_cursor_peek(cursor)))
        cursor->at++;
    return yaml_cursor_is_break(yaml_cursor_peek(cursor));
}

void yaml_cursor_skip_lines(struct yaml_cursor *cursor) {
    while (yaml_cursor_skip_to_word(cursor) && yaml_cursor_peek(cursor) >= 0)
        cursor->at++;
}

bool yaml_cursor_is_mark(const struct yaml_cursor *cursor, const char *mark) {
    return yaml_cursor_column(cursor) == 0 && cursor->text.len - cursor->at >= 3 &&
           memcmp(cursor->text.at + cursor->at, mark, 3) == 0 &&
           yaml_cursor_is_blank(yaml_cursor_peek_at(cursor, 3));
}

bool yaml_cursor_is_over(const struct yaml_cursor *cursor) {
    return yaml_cursor_peek(cursor) < 0 || yaml_cursor_is_mark(cursor, "---") ||
           yaml_cursor_is_mark(cursor, "...");
}

struct slice yaml_cursor_take_line(struct yaml_cursor *cursor) {
    size_t from = cursor->at;

    while (yaml_cursor_peek(cursor) >= 0 && yaml_cursor_peek(cursor) != '\n')
        cursor->at++;
    size_t len = cursor->at - from;
    if (len > 0 && cursor->text.at[from + len - 1] == '\r')
        len--;
    if (yaml_cursor_peek(cursor) >= 0)
        cursor->at++;
    return slice_of(cursor->text.at + from, len);
}
