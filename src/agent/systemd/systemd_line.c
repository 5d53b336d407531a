#include "agent/systemd/systemd_line.h"

#include <stdlib.h>
#include <string.h>

#include "agent/systemd/systemd_library.h"
#include "base/buf.h"
#include "base/mem.h"
#include "wire/pb.h"
#include "wire/timestamp.h"
#include "wire/utf8.h"

enum { PRIORITY_INFO = 6 };

char *systemd_line_clean(struct slice text) {
    struct buf out = { 0 };

    while (text.len > 0) {
        size_t len = text.at[0] == '\0' ? 0 : utf8_char_len(text);
        if (len > 0)
            buf_add(&out, text.at, len);
        else
            buf_add_byte(&out, '?');
        text = slice_after(text, len > 0 ? len : 1);
    }
    return buf_take_text(&out);
}

struct reader {
    const struct systemd_library *library; /* borrowed: the caller's */
    struct sd_journal *journal;            /* borrowed likewise */
};

/* The value of a field; false: the line has none. Lent until the next one is read. */
static bool get(const struct reader *reader, const char *field, struct slice *ret_value) {
    const void *data;
    size_t len;
    size_t skip = strlen(field) + 1;

    if (reader->library->journal_get_data(reader->journal, field, &data, &len) < 0 ||
        len < skip)
        return false;
    *ret_value = slice_of((const char *)data + skip, len - skip);
    return true;
}

static bool set(const struct reader *reader, const char *field, char **text) {
    struct slice value;

    if (!get(reader, field, &value))
        return false;
    if (value.len > 0)
        *text = systemd_line_clean(value);
    return true;
}

static uint32_t number(const struct reader *reader,
                       const char *field,
                       uint32_t fallback) {
    struct slice value;
    uint32_t sum = 0;

    if (!get(reader, field, &value) || value.len == 0 || value.len > 9)
        return fallback;
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return fallback;
        sum = sum * 10 + (uint32_t)(value.at[i] - '0');
    }
    return sum;
}

static bool is(const struct reader *reader, const char *field, const char *wanted) {
    struct slice value;
    return get(reader, field, &value) && slice_is_text(value, wanted);
}

/* Whom the line is of: what its manager says of a unit is the unit's. */
static void set_unit(const struct reader *reader, bool is_user, char **text) {
    if (is(reader, "_TRANSPORT", "kernel")) {
        *text = mem_strdup("kernel");
        return;
    }
    if (is(reader, "_PID", "1") && set(reader, "UNIT", text))
        return;
    if (is_user &&
        (set(reader, "USER_UNIT", text) || set(reader, "_SYSTEMD_USER_UNIT", text)))
        return;
    set(reader, "_SYSTEMD_UNIT", text);
}

Roost__V1__LogLine *systemd_line_read(const struct systemd_library *library,
                                      struct sd_journal *journal,
                                      bool is_user) {
    struct reader reader = { library, journal };
    Roost__V1__LogLine *line =
        (Roost__V1__LogLine *)pb_new(&roost__v1__log_line__descriptor);
    uint64_t at_us = 0;
    char *cursor = NULL;

    library->journal_get_realtime(journal, &at_us);
    line->time =
        (Google__Protobuf__Timestamp *)pb_new(&google__protobuf__timestamp__descriptor);
    timestamp_set(line->time, (int64_t)(at_us / 1000));
    line->time->nanos = (int32_t)(at_us % 1000000 * 1000);
    line->priority = number(&reader, "PRIORITY", PRIORITY_INFO) & 7;
    line->pid = number(&reader, "_PID", 0);
    set(&reader, "MESSAGE", &line->message);
    if (!set(&reader, "SYSLOG_IDENTIFIER", &line->identifier))
        set(&reader, "_COMM", &line->identifier);
    set_unit(&reader, is_user, &line->unit);
    if (library->journal_get_cursor(journal, &cursor) >= 0)
        line->cursor = cursor;
    return line;
}
