#include "chat/call/look_json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"
#include "wire/pb.h"
#include "wire/pbfield.h"
#include "wire/pbjson.h"

/* --- the value --- */

static bool is_one_of(const char *word, const char *const *words) {
    for (; *words; words++)
        if (strcasecmp(word, *words) == 0)
            return true;
    return false;
}

static void add_bool(struct buf *out, const char *typed) {
    static const char *const yes[] = { "true", "yes", "1", "on", "да", "Да", NULL };
    static const char *const no[] = { "false", "no", "0", "off", "нет", "Нет", NULL };

    if (is_one_of(typed, yes))
        buf_add_text(out, "true");
    else if (is_one_of(typed, no))
        buf_add_text(out, "false");
    else
        json_writer_quote(out, slice_of_text(typed)); /* refused with its own reason */
}

static void add_number(struct buf *out, const char *typed) {
    struct slice text = slice_of_text(typed);

    if (json_reader_number_len(text) == text.len)
        buf_add_slice(out, text);
    else
        json_writer_quote(out, text);
}

static bool is_json(const char *typed) {
    return typed[0] == '{' || typed[0] == '[' || typed[0] == '"';
}

/* One value, of a field that may be repeated. */
static void add_one(struct buf *out,
                    const ProtobufCFieldDescriptor *field,
                    const char *typed) {
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        json_writer_quote(out, slice_of_text(typed));
        break;
    case PROTOBUF_C_TYPE_BOOL:
        add_bool(out, typed);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        if (is_json(typed))
            buf_add_text(out, typed);
        else
            add_number(out, typed); /* wrappers; a Timestamp is a text */
        break;
    default:
        add_number(out, typed);
    }
}

/* "a, b" as ["a","b"]. */
static void add_list(struct buf *out,
                     const ProtobufCFieldDescriptor *field,
                     const char *typed) {
    buf_add_byte(out, '[');
    for (bool is_first = true; *typed; is_first = false) {
        typed += strspn(typed, ", ");
        size_t len = strcspn(typed, ",");
        size_t kept = len;
        while (kept > 0 && typed[kept - 1] == ' ')
            kept--;
        if (kept > 0) {
            auto_(mem_freep) char *word = mem_dup(typed, kept);
            if (!is_first)
                buf_add_byte(out, ',');
            add_one(out, field, word);
        }
        typed += len;
    }
    buf_add_byte(out, ']');
}

static void add_value(struct buf *out,
                      const ProtobufCFieldDescriptor *field,
                      const char *typed) {
    bool is_list = pbfield_is_repeated(field);

    if (is_list && (typed[0] == '[' || typed[0] == '{'))
        buf_add_text(out, typed);
    else if (is_list)
        add_list(out, field, typed);
    else
        add_one(out, field, typed);
}

/* --- the object --- */

static bool is_same_oneof(const ProtobufCFieldDescriptor *a,
                          const ProtobufCFieldDescriptor *b) {
    return pbfield_is_oneof(a) && pbfield_is_oneof(b) &&
           a->quantifier_offset == b->quantifier_offset;
}

/* Does another value of the field leave this member as it is? */
static bool stays(const ProtobufCMessageDescriptor *type,
                  struct slice name,
                  const ProtobufCFieldDescriptor *field) {
    const ProtobufCFieldDescriptor *member = pbfield_find(type, name);
    return member != field && !(member && is_same_oneof(member, field));
}

static void add_member(struct buf *out, struct slice name, struct slice value) {
    while (value.at && value.len > 0 &&
           (value.at[0] == ':' || value.at[0] == ' ' || value.at[0] == '\n' ||
            value.at[0] == '\t'))
        value = slice_after(value, 1);
    if (out->len > 1)
        buf_add_byte(out, ',');
    json_writer_quote(out, name);
    buf_add_byte(out, ':');
    buf_add_slice(out, value);
}

/* Copies the members that stay; false when this is no object. */
static bool copy_members(struct buf *out,
                         const ProtobufCMessageDescriptor *type,
                         const char *json,
                         const ProtobufCFieldDescriptor *field) {
    struct json_reader reader;
    struct slice text = slice_of_text(json);
    enum json_token token;

    json_reader_init(&reader, text);
    bool is_good = json_reader_next(&reader) == JSON_OBJECT;
    while (is_good && (token = json_reader_next(&reader)) != JSON_OBJECT_END) {
        struct slice name = json_reader_value(&reader);
        auto_(mem_freep) char *kept =
            mem_dup(name.at ? (const char *)name.at : "", name.len);
        size_t begin = reader.at;
        is_good =
            token == JSON_NAME && json_reader_skip(&reader, json_reader_next(&reader));
        if (is_good && stays(type, slice_of_text(kept), field))
            add_member(out, slice_of_text(kept),
                       slice_of(text.at + begin, reader.at - begin));
    }
    json_reader_done(&reader);
    return is_good;
}

int look_json_set(struct buf *out,
                  const ProtobufCMessageDescriptor *type,
                  const char *json,
                  const ProtobufCFieldDescriptor *field,
                  const char *typed,
                  char **ret_why) {
    struct buf object = { 0 };
    struct buf value = { 0 };
    ProtobufCMessage *message = NULL;
    int r = LOOK_JSON_E_BAD;

    buf_add_byte(&object, '{');
    if (!copy_members(&object, type, json, field)) {
        *ret_why = mem_strdup("this is no JSON object");
    } else {
        add_value(&value, field, typed);
        add_member(&object, slice_of_text(field->name), buf_slice(&value));
        buf_add_byte(&object, '}');
        r = pbjson_read(type, buf_slice(&object), &message, ret_why) == 0
                ? 0
                : LOOK_JSON_E_BAD;
    }
    if (r == 0)
        buf_add_slice(out, buf_slice(&object));
    pb_free(message);
    buf_done(&value);
    buf_done(&object);
    return r;
}

/* "Color" of "example.Color". */
static const char *short_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

char *look_json_kind(const ProtobufCMessageDescriptor *type,
                     const ProtobufCFieldDescriptor *field) {
    const char *kind = "number";

    if (pbfield_is_map(type, field))
        return mem_strdup("map");
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        kind = "text";
        break;
    case PROTOBUF_C_TYPE_BYTES:
        kind = "base64";
        break;
    case PROTOBUF_C_TYPE_BOOL:
        kind = "yes/no";
        break;
    case PROTOBUF_C_TYPE_ENUM:
        kind = short_name(((const ProtobufCEnumDescriptor *)field->descriptor)->name);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        kind = short_name(((const ProtobufCMessageDescriptor *)field->descriptor)->name);
        break;
    default:
        break;
    }
    return pbfield_is_repeated(field) ? mem_printf("%s, \u2026", kind) : mem_strdup(kind);
}
