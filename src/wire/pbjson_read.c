#include "wire/pbjson.h"

#include "base/base64.h"
#include "base/map.h"
#include "base/mem.h"
#include "wire/json_reader.h"
#include "wire/pb.h"
#include "wire/pbfield.h"
#include "wire/pbknown.h"
#include "wire/pbnumber.h"
#include "wire/pbpath.h"
#include "wire/pbtime.h"

enum { BLOCK_COST = 32 }; /* what malloc takes at least */

struct reading {
    struct json_reader json;
    struct pbjson_types types;
    size_t budget;  /* of unpacked memory, what may still be spent */
    unsigned depth; /* of messages */
    char *why;      /* owned; what is wrong */
};

/* A message while its object is read. */
struct filling {
    ProtobufCMessage *message; /* borrowed: its parent, at the top pbjson_read() */
    uint8_t *seen;             /* owned; a bit for each field that stood in the JSON */
    bool is_any;               /* an "@type" stands beside the fields */
    bool has_type;             /* ... and did already */
};

static int __attribute__((format(printf, 3, 4)))
fail(struct reading *reading, const struct pbpath *path, const char *format, ...) {
    va_list args;

    va_start(args, format);
    reading->why = pbpath_explain(path, format, args);
    va_end(args);
    return PBJSON_E_BAD;
}

static int fail_syntax(struct reading *reading) {
    unsigned line;
    unsigned column;

    json_reader_where(&reading->json, &line, &column);
    return fail(reading, NULL, "line %u, column %u: %s", line, column,
                json_reader_why(&reading->json));
}

/* The token is not what the field wants. */
static int fail_token(struct reading *reading,
                      const struct pbpath *path,
                      enum json_token token,
                      const char *wanted) {
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_TEXT] = "a text",
        [JSON_NUMBER] = "a number",  [JSON_TRUE] = "true",      [JSON_FALSE] = "false",
        [JSON_NULL] = "null",
    };

    if (token == JSON_BAD)
        return fail_syntax(reading);
    return fail(reading, path, "%s is wanted, not %s", wanted, names[token]);
}

static int charge(struct reading *reading, const struct pbpath *path, size_t cost) {
    if (cost > reading->budget)
        return fail(reading, path, "too big: over %d MiB in memory", PB_BUDGET >> 20);
    reading->budget -= cost;
    return 0;
}

static struct slice lent(const struct reading *reading) {
    return json_reader_value(&reading->json);
}

static int read_message(struct reading *,
                        const struct pbpath *,
                        enum json_token,
                        ProtobufCMessage *);

struct integer {
    const char *name;
    int64_t min;
    uint64_t max;
};

static struct integer integer_of(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return (struct integer) { "64 bits", INT64_MIN, INT64_MAX };
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return (struct integer) { "64 bits without sign", 0, UINT64_MAX };
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return (struct integer) { "32 bits without sign", 0, UINT32_MAX };
    default:
        return (struct integer) { "32 bits", INT32_MIN, INT32_MAX };
    }
}

/* Every integer type but bool, from a number or from the letters of one. */
static int read_integer(struct reading *reading,
                        const struct pbpath *path,
                        ProtobufCType type,
                        struct slice text,
                        void *at) {
    struct integer limits = integer_of(type);
    int64_t number = 0;
    uint64_t natural = 0;
    int r = limits.min < 0
                ? pbnumber_read_int64(text, limits.min, (int64_t)limits.max, &number)
                : pbnumber_read_uint64(text, limits.max, &natural);

    if (r == PBNUMBER_E_BAD)
        return fail(reading, path, "not a number");
    if (r != 0)
        return fail(reading, path, "not a whole number of %s", limits.name);
    if (limits.min < 0)
        natural = (uint64_t)number;
    if (pb_type_size(type) == 8)
        *(uint64_t *)at = natural;
    else
        *(uint32_t *)at = (uint32_t)natural;
    return 0;
}

static int read_real(struct reading *reading,
                     const struct pbpath *path,
                     ProtobufCType type,
                     void *at) {
    int r = type == PROTOBUF_C_TYPE_DOUBLE ? pbnumber_read_double(lent(reading), at)
                                           : pbnumber_read_float(lent(reading), at);
    if (r == PBNUMBER_E_BAD)
        return fail(reading, path, "not a number");
    if (r != 0)
        return fail(reading, path, "too big a number");
    return 0;
}

static int read_number(struct reading *reading,
                       const struct pbpath *path,
                       ProtobufCType type,
                       enum json_token token,
                       void *at) {
    if (token != JSON_NUMBER && token != JSON_TEXT)
        return fail_token(reading, path, token, "a number");
    if (type == PROTOBUF_C_TYPE_DOUBLE || type == PROTOBUF_C_TYPE_FLOAT)
        return read_real(reading, path, type, at);
    return read_integer(reading, path, type, lent(reading), at);
}

static int read_bool(struct reading *reading,
                     const struct pbpath *path,
                     enum json_token token,
                     protobuf_c_boolean *at) {
    if (token != JSON_TRUE && token != JSON_FALSE)
        return fail_token(reading, path, token, "true or false");
    *at = token == JSON_TRUE;
    return 0;
}

static int fail_enum(struct reading *reading,
                     const struct pbpath *path,
                     const ProtobufCEnumDescriptor *type) {
    struct buf name = { 0 };

    pbpath_quote(&name, lent(reading));
    int r = fail(reading, path, "%s is no value of %s", buf_text(&name), type->name);
    buf_done(&name);
    return r;
}

static int read_enum(struct reading *reading,
                     const struct pbpath *path,
                     const ProtobufCFieldDescriptor *field,
                     enum json_token token,
                     int32_t *at) {
    const ProtobufCEnumDescriptor *type = field->descriptor;

    if (token == JSON_NULL && pbknown_takes_null(field)) {
        *at = 0;
        return 0;
    }
    if (token == JSON_NUMBER)
        return read_integer(reading, path, PROTOBUF_C_TYPE_INT32, lent(reading), at);
    if (token != JSON_TEXT)
        return fail_token(reading, path, token, "the name of a value");

    char *name = mem_dup(lent(reading).at, lent(reading).len);
    const ProtobufCEnumValue *value =
        type->n_values ? protobuf_c_enum_descriptor_get_value_by_name(type, name) : NULL;
    /* A NUL would hide what follows it. */
    bool found = value && strlen(name) == lent(reading).len;
    free(name);
    if (!found)
        return fail_enum(reading, path, type);
    *at = value->value;
    return 0;
}

static int read_text(struct reading *reading,
                     const struct pbpath *path,
                     struct slice text,
                     char **at) {
    if (text.len > 0 && memchr(text.at, 0, text.len))
        return fail(reading, path, "a text may not hold the character U+0000");
    int r = charge(reading, path, text.len + BLOCK_COST);
    if (r == 0)
        *at = mem_dup(text.at, text.len);
    return r;
}

static int read_bytes(struct reading *reading,
                      const struct pbpath *path,
                      ProtobufCBinaryData *at) {
    struct buf bytes = { 0 };
    int r = charge(reading, path, lent(reading).len + BLOCK_COST);

    if (r != 0)
        return r;
    if (base64_decode_any(&bytes, lent(reading)) != 0)
        r = fail(reading, path, "not base64");
    else if (bytes.len > 0)
        *at = (ProtobufCBinaryData) { bytes.len, mem_dup(bytes.data, bytes.len) };
    buf_done(&bytes);
    return r;
}

static int read_inner(struct reading *reading,
                      const struct pbpath *path,
                      const ProtobufCMessageDescriptor *type,
                      enum json_token token,
                      ProtobufCMessage **at) {
    int r = charge(reading, path, type->sizeof_message + BLOCK_COST);

    if (r != 0)
        return r;
    *at = pb_new(type);
    return read_message(reading, path, token, *at);
}

/* One value, at a place from pbfield_set(). */
static int read_value(struct reading *reading,
                      const struct pbpath *path,
                      const ProtobufCFieldDescriptor *field,
                      enum json_token token,
                      void *at) {
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        return read_bool(reading, path, token, at);
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(reading, path, field, token, at);
    case PROTOBUF_C_TYPE_STRING:
        if (token != JSON_TEXT)
            return fail_token(reading, path, token, "a text");
        return read_text(reading, path, lent(reading), at);
    case PROTOBUF_C_TYPE_BYTES:
        if (token != JSON_TEXT)
            return fail_token(reading, path, token, "base64");
        return read_bytes(reading, path, at);
    case PROTOBUF_C_TYPE_MESSAGE:
        return read_inner(reading, path, field->descriptor, token, at);
    default:
        return read_number(reading, path, field->type, token, at);
    }
}

/* The field's one value: makes its place and reads it. */
static int read_single(struct reading *reading,
                       const struct pbpath *path,
                       ProtobufCMessage *message,
                       const ProtobufCFieldDescriptor *field,
                       enum json_token token) {
    return read_value(reading, path, field, token, pbfield_set(message, field));
}

static int read_array(struct reading *reading,
                      const struct pbpath *up,
                      ProtobufCMessage *message,
                      const ProtobufCFieldDescriptor *field,
                      enum json_token token) {
    if (token != JSON_ARRAY)
        return fail_token(reading, up, token, "an array");

    struct pbpath path = { .up = up, .kind = PBPATH_INDEX };
    for (;; path.index++) {
        token = json_reader_next(&reading->json);
        if (token == JSON_ARRAY_END)
            return 0;
        /* The array grows by doubling. */
        int r = charge(reading, &path, 2 * pb_type_size(field->type));
        if (r == 0)
            r = read_single(reading, &path, message, field, token);
        if (r != 0)
            return r;
    }
}

/* The key of a map, which JSON has as a text; ret_key becomes the same for equal keys. */
static int read_key(struct reading *reading,
                    const struct pbpath *path,
                    const ProtobufCFieldDescriptor *field,
                    void *at,
                    struct buf *ret_key) {
    int r;

    if (field->type == PROTOBUF_C_TYPE_STRING) {
        buf_add_slice(ret_key, path->name);
        return read_text(reading, path, path->name, at);
    }
    if (field->type == PROTOBUF_C_TYPE_BOOL) {
        bool is_true = slice_is_text(path->name, "true");
        if (!is_true && !slice_is_text(path->name, "false"))
            return fail(reading, path, "the key must be true or false");
        *(protobuf_c_boolean *)at = is_true;
        buf_add_slice(ret_key, path->name);
        return 0;
    }
    r = read_integer(reading, path, field->type, path->name, at);
    if (r == 0 && pb_type_size(field->type) == 8)
        buf_printf(ret_key, "%llx", (unsigned long long)*(uint64_t *)at);
    else if (r == 0)
        buf_printf(ret_key, "%x", *(uint32_t *)at);
    return r;
}

static int read_entry(struct reading *reading,
                      const struct pbpath *path,
                      ProtobufCMessage *entry,
                      struct map *keys) {
    const ProtobufCFieldDescriptor *fields = entry->descriptor->fields;
    struct buf key = { 0 };
    int r = read_key(reading, path, &fields[0], pbfield_set(entry, &fields[0]), &key);

    if (r == 0 && map_put(keys, buf_text(&key), entry))
        r = fail(reading, path, "the key stands twice");
    buf_done(&key);
    if (r != 0)
        return r;
    return read_single(reading, path, entry, &fields[1],
                       json_reader_next(&reading->json));
}

static int read_entries(struct reading *reading,
                        const struct pbpath *up,
                        ProtobufCMessage *message,
                        const ProtobufCFieldDescriptor *field,
                        struct map *keys) {
    const ProtobufCMessageDescriptor *type = field->descriptor;

    for (;;) {
        enum json_token token = json_reader_next(&reading->json);
        if (token == JSON_OBJECT_END)
            return 0;
        if (token != JSON_NAME)
            return fail_syntax(reading);
        /* The entry, its place, and its key once more among the keys. */
        int r = charge(reading, up, type->sizeof_message + lent(reading).len + 128);
        if (r != 0)
            return r;

        struct slice name = lent(reading);
        char *key = mem_dup(name.at, name.len);
        struct pbpath path = { up, PBPATH_KEY, slice_of(key, name.len), 0 };
        ProtobufCMessage **place = pbfield_set(message, field);
        *place = pb_new(type);
        r = read_entry(reading, &path, *place, keys);
        free(key);
        if (r != 0)
            return r;
    }
}

static int read_map(struct reading *reading,
                    const struct pbpath *path,
                    ProtobufCMessage *message,
                    const ProtobufCFieldDescriptor *field,
                    enum json_token token) {
    if (token != JSON_OBJECT)
        return fail_token(reading, path, token, "an object");
    if (reading->depth == PB_DEPTH_MAX)
        return fail(reading, NULL, "nests more than %d levels deep", PB_DEPTH_MAX);

    struct map *keys = map_new();
    reading->depth++;
    int r = read_entries(reading, path, message, field, keys);
    reading->depth--;
    map_free(keys);
    return r;
}

static int read_field(struct reading *reading,
                      const struct pbpath *path,
                      ProtobufCMessage *message,
                      const ProtobufCFieldDescriptor *field,
                      enum json_token token) {
    if (token == JSON_NULL && (pbfield_is_repeated(field) || !pbknown_takes_null(field)))
        return 0;
    if (pbfield_is_map(message->descriptor, field))
        return read_map(reading, path, message, field, token);
    if (pbfield_is_repeated(field))
        return read_array(reading, path, message, field, token);
    if (pbfield_is_oneof(field) && pbfield_oneof_case(message, field) != 0)
        return fail(reading, path, "another member of its oneof is set already");
    return read_single(reading, path, message, field, token);
}

/* Notes that the field stood in the JSON; answers whether it did before. */
static bool see(struct filling *filling, const ProtobufCFieldDescriptor *field) {
    const ProtobufCMessageDescriptor *type = filling->message->descriptor;
    size_t index = (size_t)(field - type->fields);
    uint8_t bit = (uint8_t)(1 << index % 8);
    bool before = filling->seen[index / 8] & bit;

    filling->seen[index / 8] |= bit;
    return before;
}

/* The token before was the name. */
static int read_member(struct reading *reading,
                       const struct pbpath *up,
                       struct filling *filling) {
    const ProtobufCMessageDescriptor *type = filling->message->descriptor;
    struct pbpath path = { up, PBPATH_FIELD, lent(reading), 0 };
    const ProtobufCFieldDescriptor *field = pbfield_find(type, path.name);

    if (!field)
        return fail(reading, &path, "no such field in %s", type->name);
    /* The name is lent only until the next token, if it had escapes. */
    if (path.name.at == reading->json.text.data)
        path.name = slice_of_text(field->name);
    if (see(filling, field))
        return fail(reading, &path, "stands twice");
    return read_field(reading, &path, filling->message, field,
                      json_reader_next(&reading->json));
}

static int check_required(struct reading *reading,
                          const struct pbpath *up,
                          const struct filling *filling) {
    const ProtobufCMessageDescriptor *type = filling->message->descriptor;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->label != PROTOBUF_C_LABEL_REQUIRED || field->default_value)
            continue;
        if (filling->seen[i / 8] & 1 << i % 8)
            continue;
        struct pbpath path = { up, PBPATH_FIELD, slice_of_text(field->name), 0 };
        return fail(reading, &path, "must be there");
    }
    return 0;
}

/* The "@type" of an Any was read ahead. */
static int skip_type(struct reading *reading,
                     const struct pbpath *path,
                     struct filling *filling) {
    if (filling->has_type)
        return fail(reading, path, "@type stands twice");
    filling->has_type = true;
    return json_reader_next(&reading->json) == JSON_TEXT ? 0 : fail_syntax(reading);
}

static int read_members(struct reading *reading,
                        const struct pbpath *path,
                        struct filling *filling) {
    for (;;) {
        enum json_token token = json_reader_next(&reading->json);
        if (token == JSON_OBJECT_END)
            return check_required(reading, path, filling);
        if (token != JSON_NAME)
            return fail_syntax(reading);
        int r = filling->is_any && slice_is_text(lent(reading), "@type")
                    ? skip_type(reading, path, filling)
                    : read_member(reading, path, filling);
        if (r != 0)
            return r;
    }
}

static int read_object(struct reading *reading,
                       const struct pbpath *path,
                       enum json_token token,
                       ProtobufCMessage *message) {
    if (token != JSON_OBJECT)
        return fail_token(reading, path, token, "an object");

    struct filling filling = { .message = message };
    filling.seen = mem_new(message->descriptor->n_fields / 8 + 1);
    int r = read_members(reading, path, &filling);
    free(filling.seen);
    return r;
}

static void *place_of(ProtobufCMessage *message, uint32_t number) {
    return pbfield_set(
        message, protobuf_c_message_descriptor_get_field(message->descriptor, number));
}

static int read_time(struct reading *reading,
                     const struct pbpath *path,
                     enum json_token token,
                     ProtobufCMessage *message,
                     int (*read)(struct slice text, struct pbtime *ret_time)) {
    const char *name = message->descriptor->name;
    struct pbtime time;

    if (token != JSON_TEXT)
        return fail_token(reading, path, token, "a time");
    int r = read(lent(reading), &time);
    if (r == PBTIME_E_BAD)
        return fail(reading, path, "not a %s", name);
    if (r != 0)
        return fail(reading, path, "out of the range of %s", name);
    *(int64_t *)place_of(message, 1) = time.seconds;
    *(int32_t *)place_of(message, 2) = time.nanos;
    return 0;
}

/* fooBar.baz is "foo_bar.baz". */
static int read_mask_path(struct reading *reading,
                          const struct pbpath *path,
                          ProtobufCMessage *message,
                          struct slice text) {
    struct buf name = { 0 };

    if (text.len == 0)
        return fail(reading, path, "a path is empty");
    for (size_t i = 0; i < text.len; i++) {
        uint8_t letter = text.at[i];
        if (letter == '_') {
            buf_done(&name);
            return fail(reading, path, "paths are written like fooBar");
        }
        if (letter >= 'A' && letter <= 'Z') {
            buf_add_byte(&name, '_');
            letter |= 0x20;
        }
        buf_add_byte(&name, letter);
    }
    /* The place in the array and what it points to. */
    int r = charge(reading, path, 2 * sizeof(char *));
    if (r == 0)
        r = read_text(reading, path, buf_slice(&name), place_of(message, 1));
    buf_done(&name);
    return r;
}

static int read_mask(struct reading *reading,
                     const struct pbpath *path,
                     enum json_token token,
                     ProtobufCMessage *message) {
    if (token != JSON_TEXT)
        return fail_token(reading, path, token, "a text of paths");

    struct slice left = lent(reading);
    while (left.len > 0) {
        const uint8_t *comma = memchr(left.at, ',', left.len);
        size_t len = comma ? (size_t)(comma - left.at) : left.len;
        int r = read_mask_path(reading, path, message, slice_of(left.at, len));
        if (r != 0 || !comma)
            return r;
        left = slice_after(left, len + 1);
        if (left.len == 0)
            return fail(reading, path, "a path is empty");
    }
    return 0;
}

static int read_kind(struct reading *reading,
                     const struct pbpath *path,
                     enum json_token token,
                     ProtobufCMessage *message) {
    static const uint8_t numbers[] = {
        [JSON_NULL] = PBKNOWN_VALUE_NULL,  [JSON_NUMBER] = PBKNOWN_VALUE_NUMBER,
        [JSON_TEXT] = PBKNOWN_VALUE_TEXT,  [JSON_TRUE] = PBKNOWN_VALUE_BOOL,
        [JSON_FALSE] = PBKNOWN_VALUE_BOOL, [JSON_OBJECT] = PBKNOWN_VALUE_STRUCT,
        [JSON_ARRAY] = PBKNOWN_VALUE_LIST, [JSON_BAD] = 0,
    };

    if (numbers[token] == 0)
        return fail_syntax(reading);
    return read_single(
        reading, path, message,
        protobuf_c_message_descriptor_get_field(message->descriptor, numbers[token]),
        token);
}

/* {"@type": URL, "value": BASE64}, in any order. */
static int read_raw_any(struct reading *reading,
                        const struct pbpath *up,
                        ProtobufCMessage *message) {
    unsigned seen = 0;

    for (;;) {
        enum json_token token = json_reader_next(&reading->json);
        if (token == JSON_OBJECT_END)
            return 0;
        if (token != JSON_NAME)
            return fail_syntax(reading);

        struct pbpath path = { up, PBPATH_FIELD, lent(reading), 0 };
        bool is_type = slice_is_text(path.name, "@type");
        if (!is_type && !slice_is_text(path.name, "value"))
            return fail(reading, &path, "an Any has only @type and value");
        path.name = slice_of_text(is_type ? "@type" : "value");
        uint32_t number = is_type ? 1 : 2;
        if (seen & number)
            return fail(reading, &path, "stands twice");
        seen |= number;
        int r = read_single(
            reading, &path, message,
            protobuf_c_message_descriptor_get_field(message->descriptor, number),
            json_reader_next(&reading->json));
        if (r != 0)
            return r;
    }
}

/* The "@type" of the object whose bracket was read, as a new string; or NULL. */
static char *find_any_url(const struct reading *reading) {
    struct slice from = slice_after(reading->json.json, reading->json.at - 1);
    struct json_reader ahead;
    char *url = NULL;

    json_reader_init(&ahead, from);
    json_reader_next(&ahead);
    while (!url && json_reader_next(&ahead) == JSON_NAME) {
        bool is_type = slice_is_text(json_reader_value(&ahead), "@type");
        enum json_token token = json_reader_next(&ahead);
        struct slice value = json_reader_value(&ahead);
        if (is_type && token == JSON_TEXT && !memchr(value.at, 0, value.len))
            url = mem_dup(value.at, value.len);
        else if (is_type || !json_reader_skip(&ahead, token))
            break;
    }
    json_reader_done(&ahead);
    return url;
}

/* The members of an Any whose type has a form of its own: @type and value. */
static int read_known_any(struct reading *reading,
                          const struct pbpath *up,
                          ProtobufCMessage *inner) {
    unsigned seen = 0;

    for (;;) {
        enum json_token token = json_reader_next(&reading->json);
        if (token == JSON_OBJECT_END)
            return seen & 2 ? 0 : fail(reading, up, "the value is missing");
        if (token != JSON_NAME)
            return fail_syntax(reading);
        struct pbpath path = { up, PBPATH_FIELD, slice_of_text("value"), 0 };
        bool is_type = slice_is_text(lent(reading), "@type");
        if (!is_type && !slice_is_text(lent(reading), "value"))
            return fail(reading, up, "an Any of %s has only @type and value",
                        inner->descriptor->name);
        if (seen & (is_type ? 1 : 2))
            return fail(reading, up, "a member stands twice");
        seen |= is_type ? 1 : 2;
        token = json_reader_next(&reading->json);
        int r = is_type ? 0 : read_message(reading, &path, token, inner);
        if (r != 0)
            return r;
    }
}

static int read_any_inner(struct reading *reading,
                          const struct pbpath *path,
                          ProtobufCMessage *inner) {
    if (pbknown_of(inner->descriptor) != PBKNOWN_NONE)
        return read_known_any(reading, path, inner);
    struct filling filling = { .message = inner, .is_any = true };
    filling.seen = mem_new(inner->descriptor->n_fields / 8 + 1);
    int r = read_members(reading, path, &filling);
    free(filling.seen);
    return r;
}

/* Packs what was read; its bytes are charged as what it was read into was. */
static int fill_any(struct reading *reading,
                    const struct pbpath *path,
                    ProtobufCMessage *message,
                    const char *url,
                    const ProtobufCMessage *inner) {
    struct buf bytes = { 0 };

    pb_pack(&bytes, inner);
    int r = charge(reading, path, bytes.len + strlen(url) + 2 * BLOCK_COST);
    if (r == 0) {
        ProtobufCBinaryData *value = place_of(message, 2);
        *(char **)place_of(message, 1) = mem_strdup(url);
        *value = (ProtobufCBinaryData) { bytes.len, mem_dup(bytes.data, bytes.len) };
    }
    buf_done(&bytes);
    return r;
}

static int read_any(struct reading *reading,
                    const struct pbpath *path,
                    enum json_token token,
                    ProtobufCMessage *message) {
    const struct pbjson_types *types = &reading->types;

    if (token != JSON_OBJECT)
        return fail_token(reading, path, token, "an object");
    auto_(mem_freep) char *url = types->find ? find_any_url(reading) : NULL;
    const char *slash = url ? strrchr(url, '/') : NULL;
    const ProtobufCMessageDescriptor *type =
        slash ? types->find(types->arg, slash + 1) : NULL;
    if (!type)
        return read_raw_any(reading, path, message);

    int r = charge(reading, path, type->sizeof_message + BLOCK_COST);
    if (r != 0)
        return r;
    auto_(pb_freep) ProtobufCMessage *inner = pb_new(type);
    r = read_any_inner(reading, path, inner);
    return r == 0 ? fill_any(reading, path, message, url, inner) : r;
}

static int read_known(struct reading *reading,
                      const struct pbpath *path,
                      enum json_token token,
                      ProtobufCMessage *message) {
    const ProtobufCFieldDescriptor *first = message->descriptor->fields;

    switch (pbknown_of(message->descriptor)) {
    case PBKNOWN_STAMP:
        return read_time(reading, path, token, message, pbtime_read_stamp);
    case PBKNOWN_SPAN:
        return read_time(reading, path, token, message, pbtime_read_span);
    case PBKNOWN_WRAPPER:
        return read_single(reading, path, message, first, token);
    case PBKNOWN_STRUCT:
        return read_map(reading, path, message, first, token);
    case PBKNOWN_VALUE:
        return read_kind(reading, path, token, message);
    case PBKNOWN_LIST:
        return read_array(reading, path, message, first, token);
    case PBKNOWN_MASK:
        return read_mask(reading, path, token, message);
    case PBKNOWN_ANY:
        return read_any(reading, path, token, message);
    default:
        return read_object(reading, path, token, message);
    }
}

static int read_message(struct reading *reading,
                        const struct pbpath *path,
                        enum json_token token,
                        ProtobufCMessage *message) {
    if (reading->depth == PB_DEPTH_MAX)
        return fail(reading, NULL, "nests more than %d levels deep", PB_DEPTH_MAX);
    reading->depth++;
    int r = read_known(reading, path, token, message);
    reading->depth--;
    return r;
}

int pbjson_read(const ProtobufCMessageDescriptor *type,
                struct slice json,
                ProtobufCMessage **ret_message,
                char **ret_why) {
    static const struct pbjson_types none;
    return pbjson_read_with(type, json, &none, ret_message, ret_why);
}

int pbjson_read_with(const ProtobufCMessageDescriptor *type,
                     struct slice json,
                     const struct pbjson_types *types,
                     ProtobufCMessage **ret_message,
                     char **ret_why) {
    struct reading reading = { .budget = PB_BUDGET, .types = *types };
    auto_(pb_freep) ProtobufCMessage *message = pb_new(type);

    json_reader_init(&reading.json, json);
    int r = read_message(&reading, NULL, json_reader_next(&reading.json), message);
    if (r == 0 && json_reader_next(&reading.json) != JSON_END)
        r = fail_syntax(&reading);
    json_reader_done(&reading.json);
    if (r == 0)
        *ret_message = TAKE(message);
    else
        *ret_why = reading.why;
    return r;
}
