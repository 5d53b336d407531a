#include "wire/pbjson.h"

#include <math.h>

#include "base/base64.h"
#include "base/map.h"
#include "base/mem.h"
#include "wire/json_writer.h"
#include "wire/pb.h"
#include "wire/pbfield.h"
#include "wire/pbknown.h"
#include "wire/pbnumber.h"
#include "wire/pbpath.h"
#include "wire/pbtime.h"
#include "wire/utf8.h"

struct writing {
    struct json_writer json;
    struct pbjson_style style;
    struct buf scratch; /* owned; one number, name or base64 */
    char *why;          /* owned; what is wrong */
    unsigned depth;     /* of messages */
};

static int __attribute__((format(printf, 3, 4)))
fail(struct writing *writing, const struct pbpath *path, const char *format, ...) {
    va_list args;

    va_start(args, format);
    writing->why = pbpath_explain(path, format, args);
    va_end(args);
    return PBJSON_E_BAD;
}

static int write_message(struct writing *,
                         const struct pbpath *,
                         const ProtobufCMessage *);
static int write_value(struct writing *,
                       const struct pbpath *,
                       const ProtobufCFieldDescriptor *,
                       const void *);

/* An empty scratch. */
static struct buf *scratch(struct writing *writing) {
    buf_clear(&writing->scratch);
    return &writing->scratch;
}

static int write_scratch(struct writing *writing) {
    json_writer_raw(&writing->json, buf_slice(&writing->scratch));
    return 0;
}

static int write_word(struct writing *writing, const char *word) {
    json_writer_raw(&writing->json, slice_of_text(word));
    return 0;
}

static int write_text(struct writing *writing,
                      const struct pbpath *path,
                      const char *text) {
    struct slice slice = slice_of_text(text);

    if (!utf8_is_valid(slice))
        return fail(writing, path, "not UTF-8");
    json_writer_text(&writing->json, slice);
    return 0;
}

static int write_bytes(struct writing *writing, const ProtobufCBinaryData *bytes) {
    struct buf *out = scratch(writing);

    base64_encode(out, slice_of(bytes->data, bytes->len));
    json_writer_text(&writing->json, buf_slice(out));
    return 0;
}

static int write_enum(struct writing *writing,
                      const ProtobufCFieldDescriptor *field,
                      int32_t number) {
    if (pbknown_takes_null(field))
        return write_word(writing, "null");

    const ProtobufCEnumValue *value =
        writing->style.enum_numbers
            ? NULL
            : protobuf_c_enum_descriptor_get_value(field->descriptor, number);
    if (value) {
        json_writer_text(&writing->json, slice_of_text(value->name));
        return 0;
    }
    buf_printf(scratch(writing), "%d", number);
    return write_scratch(writing);
}

static int write_inner(struct writing *writing,
                       const struct pbpath *path,
                       const ProtobufCFieldDescriptor *field,
                       const ProtobufCMessage *message) {
    if (message)
        return write_message(writing, path, message);

    /* The entry of a map may come without its value. */
    auto_(pb_freep) ProtobufCMessage *empty = pb_new(field->descriptor);
    return write_message(writing, path, empty);
}

static void add_integer(struct buf *out,
                        const ProtobufCFieldDescriptor *field,
                        const void *at) {
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        buf_printf(out, "%lld", (long long)*(const int64_t *)at);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)at);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        buf_printf(out, "%u", *(const uint32_t *)at);
        break;
    default:
        buf_printf(out, "%d", *(const int32_t *)at);
        break;
    }
}

/* Readers of JSON often have no more than 53 bits: 64 come as a text. */
static int write_integer(struct writing *writing,
                         const ProtobufCFieldDescriptor *field,
                         const void *at) {
    struct buf *out = scratch(writing);

    add_integer(out, field, at);
    if (pb_type_size(field->type) < 8 || writing->style.long_numbers)
        return write_scratch(writing);
    json_writer_text(&writing->json, buf_slice(out));
    return 0;
}

static int write_value(struct writing *writing,
                       const struct pbpath *path,
                       const ProtobufCFieldDescriptor *field,
                       const void *at) {
    switch (field->type) {
    case PROTOBUF_C_TYPE_DOUBLE:
        pbnumber_add_double(scratch(writing), *(const double *)at);
        return write_scratch(writing);
    case PROTOBUF_C_TYPE_FLOAT:
        pbnumber_add_float(scratch(writing), *(const float *)at);
        return write_scratch(writing);
    case PROTOBUF_C_TYPE_BOOL:
        return write_word(writing, *(const protobuf_c_boolean *)at ? "true" : "false");
    case PROTOBUF_C_TYPE_ENUM:
        return write_enum(writing, field, *(const int32_t *)at);
    case PROTOBUF_C_TYPE_STRING:
        return write_text(writing, path, *(char *const *)at);
    case PROTOBUF_C_TYPE_BYTES:
        return write_bytes(writing, at);
    case PROTOBUF_C_TYPE_MESSAGE:
        return write_inner(writing, path, field, *(ProtobufCMessage *const *)at);
    default:
        return write_integer(writing, field, at);
    }
}

static int write_array(struct writing *writing,
                       const struct pbpath *up,
                       const ProtobufCMessage *message,
                       const ProtobufCFieldDescriptor *field) {
    size_t count = pbfield_count(message, field);

    json_writer_open_array(&writing->json);
    for (size_t i = 0; i < count; i++) {
        struct pbpath path = { .up = up, .kind = PBPATH_INDEX, .index = i };
        int r = write_value(writing, &path, field, pbfield_element(message, field, i));
        if (r != 0)
            return r;
    }
    json_writer_close_array(&writing->json);
    return 0;
}

/* The key of an entry as a text, in out. */
static struct slice add_key(struct buf *out, const ProtobufCMessage *entry) {
    const ProtobufCFieldDescriptor *field = &entry->descriptor->fields[0];
    const void *at = pbfield_value(entry, field);

    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(char *const *)at;
        buf_add_text(out, text ? text : "");
    } else if (field->type == PROTOBUF_C_TYPE_BOOL) {
        buf_add_text(out, *(const protobuf_c_boolean *)at ? "true" : "false");
    } else {
        add_integer(out, field, at);
    }
    return buf_slice(out);
}

static int write_entry(struct writing *writing,
                       const struct pbpath *up,
                       const ProtobufCMessage *entry) {
    struct buf text = { 0 };
    struct slice key = add_key(&text, entry);
    struct pbpath path = { .up = up, .kind = PBPATH_KEY, .name = key };
    const ProtobufCFieldDescriptor *value = &entry->descriptor->fields[1];
    int r;

    if (utf8_is_valid(key)) {
        json_writer_name(&writing->json, key);
        r = write_value(writing, &path, value, pbfield_value(entry, value));
    } else {
        r = fail(writing, up, "a key is not UTF-8");
    }
    buf_done(&text);
    return r;
}

static const ProtobufCMessage *entry_at(const ProtobufCMessage *message,
                                        const ProtobufCFieldDescriptor *field,
                                        size_t i) {
    return *(ProtobufCMessage *const *)pbfield_element(message, field, i);
}

/* On the wire a key may come twice; the last counts. */
static struct map *last_entries(const ProtobufCMessage *message,
                                const ProtobufCFieldDescriptor *field) {
    struct map *last = map_new();
    struct buf key = { 0 };

    for (size_t i = 0; i < pbfield_count(message, field); i++) {
        const ProtobufCMessage *entry = entry_at(message, field, i);
        buf_clear(&key);
        add_key(&key, entry);
        map_put(last, buf_text(&key), (void *)entry);
    }
    buf_done(&key);
    return last;
}

static int write_map(struct writing *writing,
                     const struct pbpath *path,
                     const ProtobufCMessage *message,
                     const ProtobufCFieldDescriptor *field) {
    struct map *last = last_entries(message, field);
    struct buf key = { 0 };
    int r = 0;

    json_writer_open_object(&writing->json);
    for (size_t i = 0; r == 0 && i < pbfield_count(message, field); i++) {
        const ProtobufCMessage *entry = entry_at(message, field, i);
        buf_clear(&key);
        add_key(&key, entry);
        if (map_get(last, buf_text(&key)) == entry)
            r = write_entry(writing, path, entry);
    }
    json_writer_close_object(&writing->json);
    buf_done(&key);
    map_free(last);
    return r;
}

static int write_field(struct writing *writing,
                       const struct pbpath *path,
                       const ProtobufCMessage *message,
                       const ProtobufCFieldDescriptor *field) {
    if (pbfield_is_map(message->descriptor, field))
        return write_map(writing, path, message, field);
    if (pbfield_is_repeated(field))
        return write_array(writing, path, message, field);
    return write_value(writing, path, field, pbfield_value(message, field));
}

static int write_members(struct writing *writing,
                         const struct pbpath *up,
                         const ProtobufCMessage *message) {
    const ProtobufCMessageDescriptor *type = message->descriptor;
    bool with_defaults = writing->style.with_defaults;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (!pbfield_is_set(message, field) &&
            (!with_defaults || pbfield_has_presence(field)))
            continue;

        struct buf *name = scratch(writing);
        if (writing->style.proto_names)
            buf_add_text(name, field->name);
        else
            pbfield_add_json_name(name, field);
        json_writer_name(&writing->json, buf_slice(name));
        struct pbpath path = { up, PBPATH_FIELD, slice_of_text(field->name), 0 };
        int r = write_field(writing, &path, message, field);
        if (r != 0)
            return r;
    }
    return 0;
}

static int write_fields(struct writing *writing,
                        const struct pbpath *up,
                        const ProtobufCMessage *message) {
    json_writer_open_object(&writing->json);
    int r = write_members(writing, up, message);
    json_writer_close_object(&writing->json);
    return r;
}

static const void *field_of(const ProtobufCMessage *message, uint32_t number) {
    return pbfield_value(
        message, protobuf_c_message_descriptor_get_field(message->descriptor, number));
}

static int write_time(struct writing *writing,
                      const struct pbpath *path,
                      const ProtobufCMessage *message,
                      int (*add)(struct buf *out, struct pbtime time)) {
    struct pbtime time = { *(const int64_t *)field_of(message, 1),
                           *(const int32_t *)field_of(message, 2) };

    if (add(scratch(writing), time) != 0)
        return fail(writing, path, "out of the range of %s", message->descriptor->name);
    json_writer_text(&writing->json, buf_slice(&writing->scratch));
    return 0;
}

static int write_kind(struct writing *writing,
                      const struct pbpath *path,
                      const ProtobufCMessage *message) {
    const ProtobufCMessageDescriptor *type = message->descriptor;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (!pbfield_is_set(message, field))
            continue;
        const void *at = pbfield_value(message, field);
        if (field->type == PROTOBUF_C_TYPE_DOUBLE && !isfinite(*(const double *)at))
            return fail(writing, path, "JSON has no such number");
        return write_value(writing, path, field, at);
    }
    return write_word(writing, "null");
}

/* "foo_bar.baz" is fooBar.baz; what could not come back is refused. */
static bool add_mask_path(struct buf *out, const char *text) {
    for (const char *at = text; *at; at++) {
        if (*at >= 'A' && *at <= 'Z')
            return false;
        if (*at != '_') {
            buf_add_byte(out, (uint8_t)*at);
            continue;
        }
        at++;
        if (*at < 'a' || *at > 'z')
            return false;
        buf_add_byte(out, (uint8_t)(*at - 'a' + 'A'));
    }
    return true;
}

static int write_mask(struct writing *writing,
                      const struct pbpath *path,
                      const ProtobufCMessage *message) {
    const ProtobufCFieldDescriptor *paths = &message->descriptor->fields[0];
    struct buf *out = scratch(writing);

    for (size_t i = 0; i < pbfield_count(message, paths); i++) {
        const char *text = *(char *const *)pbfield_element(message, paths, i);
        if (i > 0)
            buf_add_byte(out, ',');
        if (!add_mask_path(out, text) || !utf8_is_valid(slice_of_text(text)))
            return fail(writing, path, "a path that JSON cannot say");
    }
    json_writer_text(&writing->json, buf_slice(out));
    return 0;
}

/* What the Any holds, unpacked, when its type is known and fits. */
static ProtobufCMessage *open_any(const struct writing *writing,
                                  const ProtobufCMessage *message) {
    const struct pbjson_types *types = &writing->style.types;
    const char *url = *(char *const *)field_of(message, 1);
    const ProtobufCBinaryData *bytes = field_of(message, 2);
    const char *slash = strrchr(url, '/');
    ProtobufCMessage *inner = NULL;

    const ProtobufCMessageDescriptor *type =
        types->find && slash ? types->find(types->arg, slash + 1) : NULL;
    if (type)
        pb_unpack(type, slice_of(bytes->data, bytes->len), &inner);
    return inner;
}

/* What is known has its fields beside @type, or its own form as "value". */
static int write_any_inner(struct writing *writing,
                           const struct pbpath *path,
                           const ProtobufCMessage *inner) {
    if (writing->depth == PB_DEPTH_MAX)
        return fail(writing, NULL, "nests more than %d levels deep", PB_DEPTH_MAX);
    if (pbknown_of(inner->descriptor) == PBKNOWN_NONE)
        return write_members(writing, path, inner);
    json_writer_name(&writing->json, slice_of_text("value"));
    return write_message(writing, path, inner);
}

static int write_any(struct writing *writing,
                     const struct pbpath *path,
                     const ProtobufCMessage *message) {
    auto_(pb_freep) ProtobufCMessage *inner = open_any(writing, message);

    json_writer_open_object(&writing->json);
    json_writer_name(&writing->json, slice_of_text("@type"));
    int r = write_text(writing, path, *(char *const *)field_of(message, 1));
    if (r == 0 && inner) {
        r = write_any_inner(writing, path, inner);
    } else if (r == 0) {
        json_writer_name(&writing->json, slice_of_text("value"));
        r = write_bytes(writing, field_of(message, 2));
    }
    json_writer_close_object(&writing->json);
    return r;
}

static int write_known(struct writing *writing,
                       const struct pbpath *path,
                       const ProtobufCMessage *message) {
    const ProtobufCFieldDescriptor *first = message->descriptor->fields;

    switch (pbknown_of(message->descriptor)) {
    case PBKNOWN_STAMP:
        return write_time(writing, path, message, pbtime_add_stamp);
    case PBKNOWN_SPAN:
        return write_time(writing, path, message, pbtime_add_span);
    case PBKNOWN_WRAPPER:
    case PBKNOWN_STRUCT:
    case PBKNOWN_LIST:
        return write_field(writing, path, message, first);
    case PBKNOWN_VALUE:
        return write_kind(writing, path, message);
    case PBKNOWN_MASK:
        return write_mask(writing, path, message);
    case PBKNOWN_ANY:
        return write_any(writing, path, message);
    default:
        return write_fields(writing, path, message);
    }
}

static int write_message(struct writing *writing,
                         const struct pbpath *path,
                         const ProtobufCMessage *message) {
    if (writing->depth == PB_DEPTH_MAX)
        return fail(writing, NULL, "nests more than %d levels deep", PB_DEPTH_MAX);
    writing->depth++;
    int r = write_known(writing, path, message);
    writing->depth--;
    return r;
}

int pbjson_write(struct buf *out,
                 const ProtobufCMessage *message,
                 const struct pbjson_style *style,
                 char **ret_why) {
    struct writing writing = { 0 };
    size_t len = out->len;

    if (style)
        writing.style = *style;
    json_writer_init(&writing.json, out, writing.style.pretty);
    int r = write_message(&writing, NULL, message);
    buf_done(&writing.scratch);
    if (r != 0) {
        out->len = len;
        *ret_why = writing.why;
    }
    return r;
}
