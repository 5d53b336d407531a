#include "alerts/channel/template.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"

enum { NAME_MAX_LEN = 32 };

/* The fields of the incident, and what is made for people. */
static const char *const names[] = {
    "id",       "version",        "rule",         "node",          "series",
    "severity", "state",          "started",      "ended",         "text",
    "value",    "threshold",      "unit",         "foundAtJoin",   "nodes",
    "evidence", "acknowledgedBy", "acknowledged", "silencedUntil", "processes",
    "timeline", "sleeps",         "title",
};

static bool is_name(struct slice name) {
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_is_text(name, names[i]))
            return true;
    return false;
}

/* What comes next in a template: plain bytes, and behind them perhaps a name. */
struct part {
    struct slice plain;
    struct slice name; /* at NULL: none */
};

static struct slice trim(struct slice text) {
    while (text.len > 0 && text.at[0] == ' ')
        text = slice_after(text, 1);
    while (text.len > 0 && text.at[text.len - 1] == ' ')
        text.len--;
    return text;
}

/* Takes a part off the front: 0, or -EINVAL where "{{" has no end. */
static int take_part(struct slice *text, struct part *ret_part) {
    const uint8_t *open = memmem(text->at, text->len, "{{", 2);

    *ret_part = (struct part) { .plain = *text };
    if (!open) {
        *text = slice_after(*text, text->len);
        return 0;
    }
    ret_part->plain.len = (size_t)(open - text->at);
    *text = slice_after(*text, ret_part->plain.len + 2);
    if (text->len >= 2 && memcmp(text->at, "{{", 2) == 0) { /* "{{{{" */
        ret_part->plain.len += 2;
        *text = slice_after(*text, 2);
        return 0;
    }
    const uint8_t *close = memmem(text->at, text->len, "}}", 2);
    if (!close)
        return -EINVAL;
    size_t len = (size_t)(close - text->at);
    ret_part->name = trim(slice_of(text->at, len));
    *text = slice_after(*text, len + 2);
    return 0;
}

int template_check(const char *text, char **ret_why) {
    struct slice rest = slice_of_text(text);
    struct part part;

    while (rest.len > 0) {
        if (take_part(&rest, &part) != 0) {
            *ret_why = mem_strdup("template: a {{ has no }}");
            return -EINVAL;
        }
        if (part.name.at && !is_name(part.name)) {
            *ret_why = mem_printf(
                "template: {{%.*s}}: an incident has no such field",
                (int)(part.name.len < NAME_MAX_LEN ? part.name.len : NAME_MAX_LEN),
                (const char *)part.name.at);
            return -EINVAL;
        }
    }
    return 0;
}

static void add_text(struct buf *out, struct slice text, bool is_plain) {
    struct buf quoted = { 0 };

    if (is_plain) {
        buf_add_slice(out, text);
        return;
    }
    json_writer_quote(&quoted, text);
    buf_add(out, quoted.data + 1, quoted.len - 2); /* quotes stand in the template */
    buf_done(&quoted);
}

static int add_value(struct buf *out, struct json_reader *reader, bool is_plain) {
    enum json_token token = json_reader_next(reader);
    size_t from = reader->at - 1;

    switch (token) {
    case JSON_TEXT:
        add_text(out, json_reader_value(reader), is_plain);
        return 0;
    case JSON_NULL:
        return 0;
    case JSON_TRUE:
    case JSON_FALSE:
        buf_add_text(out, token == JSON_TRUE ? "true" : "false");
        return 0;
    case JSON_NUMBER:
        buf_add_slice(out, json_reader_value(reader));
        return 0;
    case JSON_OBJECT:
    case JSON_ARRAY:
        if (!json_reader_skip(reader, token))
            return -EINVAL;
        buf_add(out, reader->json.at + from, reader->at - from);
        return 0;
    default:
        return -EINVAL;
    }
}

/* The value of that name; nothing when the object has none. */
static int add_field(struct buf *out,
                     struct slice json,
                     struct slice name,
                     bool is_plain) {
    struct json_reader reader;
    enum json_token token;
    int r = 0;

    json_reader_init(&reader, json);
    token = json_reader_next(&reader);
    if (token != JSON_OBJECT)
        r = -EINVAL;
    while (r == 0 && (token = json_reader_next(&reader)) == JSON_NAME) {
        if (slice_equal(json_reader_value(&reader), name)) {
            r = add_value(out, &reader, is_plain);
            token = JSON_OBJECT_END;
            break;
        }
        if (!json_reader_skip(&reader, json_reader_next(&reader)))
            r = -EINVAL;
    }
    if (r == 0 && token != JSON_OBJECT_END)
        r = -EINVAL;
    json_reader_done(&reader);
    return r;
}

int template_render(struct buf *out, const char *text, struct slice json, bool is_plain) {
    struct slice rest = slice_of_text(text);
    size_t before = out->len;
    struct part part;
    int r = 0;

    while (r == 0 && rest.len > 0) {
        r = take_part(&rest, &part);
        if (r == 0)
            buf_add_slice(out, part.plain);
        if (r == 0 && part.name.at)
            r = is_name(part.name) ? add_field(out, json, part.name, is_plain) : -EINVAL;
        if (r == 0 && out->len - before > TEMPLATE_OUT_MAX)
            r = -EMSGSIZE;
    }
    if (r != 0)
        out->len = before;
    return r;
}
