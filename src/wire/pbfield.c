#include "wire/pbfield.h"

#include "base/mem.h"
#include "wire/pb.h"

bool pbfield_is_repeated(const ProtobufCFieldDescriptor *field) {
    return field->label == PROTOBUF_C_LABEL_REPEATED;
}

bool pbfield_is_oneof(const ProtobufCFieldDescriptor *field) {
    return field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
}

static char to_upper(char letter) {
    return letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
}

void pbfield_add_json_name(struct buf *out, const ProtobufCFieldDescriptor *field) {
    bool raise = false;

    if (field->reserved2) {
        buf_add_text(out, field->reserved2);
        return;
    }
    for (const char *at = field->name; *at; at++) {
        if (*at == '_') {
            raise = true;
            continue;
        }
        buf_add_byte(out, (uint8_t)(raise ? to_upper(*at) : *at));
        raise = false;
    }
}

static bool has_json_name(const ProtobufCFieldDescriptor *field, struct slice name) {
    struct buf own = { 0 };

    pbfield_add_json_name(&own, field);
    bool same = slice_equal(buf_slice(&own), name);
    buf_done(&own);
    return same;
}

/* The name that the JSON name most likely stands for: memory_bytes. */
static void add_guess(struct buf *out, struct slice name) {
    for (size_t i = 0; i < name.len; i++) {
        uint8_t letter = name.at[i];
        if (letter >= 'A' && letter <= 'Z') {
            buf_add_byte(out, '_');
            letter |= 0x20;
        }
        buf_add_byte(out, letter);
    }
}

static const ProtobufCFieldDescriptor *guess(const ProtobufCMessageDescriptor *type,
                                             struct slice name) {
    struct buf text = { 0 };

    add_guess(&text, name);
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(type, buf_text(&text));
    buf_done(&text);
    return field && has_json_name(field, name) ? field : NULL;
}

static const ProtobufCFieldDescriptor *by_name(const ProtobufCMessageDescriptor *type,
                                               struct slice name) {
    char *text = mem_dup(name.at, name.len);
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(type, text);
    free(text);
    return field;
}

const ProtobufCFieldDescriptor *pbfield_find(const ProtobufCMessageDescriptor *type,
                                             struct slice name) {
    if (type->n_fields == 0 || name.len == 0 || memchr(name.at, 0, name.len))
        return NULL;

    const ProtobufCFieldDescriptor *field = guess(type, name);
    if (!field)
        field = by_name(type, name);
    for (unsigned i = 0; !field && i < type->n_fields; i++)
        if (has_json_name(&type->fields[i], name))
            field = &type->fields[i];
    return field;
}

const ProtobufCFieldDescriptor *pbfield_known(const ProtobufCMessageDescriptor *type,
                                              uint32_t number,
                                              ProtobufCType kind,
                                              bool is_repeated) {
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(type, number);
    if (!field || field->type != kind || pbfield_is_repeated(field) != is_repeated)
        return NULL;
    return field;
}

static bool is_key_type(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return false;
    default:
        return true;
    }
}

static bool is_entry(const ProtobufCMessageDescriptor *type) {
    if (type->n_fields != 2)
        return false;
    const ProtobufCFieldDescriptor *key = &type->fields[0];
    const ProtobufCFieldDescriptor *value = &type->fields[1];
    if (key->id != 1 || value->id != 2)
        return false;
    if (strcmp(key->name, "key") != 0 || strcmp(value->name, "value") != 0)
        return false;
    if (pbfield_is_repeated(key) || pbfield_is_repeated(value))
        return false;
    if (pbfield_is_oneof(key) || pbfield_is_oneof(value))
        return false;
    return is_key_type(key->type);
}

/* protoc names the entries of foo_bar in package.Parent "package.Parent.FooBarEntry". */
bool pbfield_is_map(const ProtobufCMessageDescriptor *parent,
                    const ProtobufCFieldDescriptor *field) {
    if (field->type != PROTOBUF_C_TYPE_MESSAGE || !pbfield_is_repeated(field))
        return false;
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    size_t parent_len = strlen(parent->name);
    if (strncmp(entry->name, parent->name, parent_len) != 0)
        return false;
    const char *left = entry->name + parent_len;
    if (*left++ != '.')
        return false;

    bool raise = true;
    for (const char *at = field->name; *at; at++) {
        if (*at == '_') {
            raise = true;
            continue;
        }
        if (*left++ != (raise ? to_upper(*at) : *at))
            return false;
        raise = false;
    }
    return strcmp(left, "Entry") == 0 && is_entry(entry);
}

static bool is_pointer(const ProtobufCFieldDescriptor *field) {
    return field->type == PROTOBUF_C_TYPE_MESSAGE ||
           field->type == PROTOBUF_C_TYPE_STRING;
}

bool pbfield_has_presence(const ProtobufCFieldDescriptor *field) {
    if (pbfield_is_repeated(field))
        return false;
    if (pbfield_is_oneof(field) || field->type == PROTOBUF_C_TYPE_MESSAGE)
        return true;
    return field->label != PROTOBUF_C_LABEL_NONE;
}

const void *pbfield_value(const ProtobufCMessage *message,
                          const ProtobufCFieldDescriptor *field) {
    return (const uint8_t *)message + field->offset;
}

static const void *quantifier(const ProtobufCMessage *message,
                              const ProtobufCFieldDescriptor *field) {
    return (const uint8_t *)message + field->quantifier_offset;
}

size_t pbfield_count(const ProtobufCMessage *message,
                     const ProtobufCFieldDescriptor *field) {
    return *(const size_t *)quantifier(message, field);
}

const void *pbfield_element(const ProtobufCMessage *message,
                            const ProtobufCFieldDescriptor *field,
                            size_t i) {
    const uint8_t *array = *(uint8_t *const *)pbfield_value(message, field);
    return array + i * pb_type_size(field->type);
}

uint32_t pbfield_oneof_case(const ProtobufCMessage *message,
                            const ProtobufCFieldDescriptor *field) {
    return *(const uint32_t *)quantifier(message, field);
}

static bool is_zero(const void *value, size_t size) {
    static const uint8_t zero[8];
    return memcmp(value, zero, size) == 0;
}

/* Without presence, what is not zero is set. Minus zero is not zero. */
static bool is_not_zero(const ProtobufCFieldDescriptor *field, const void *value) {
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(char *const *)value;
        return text && *text;
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return ((const ProtobufCBinaryData *)value)->len > 0;
    return !is_zero(value, pb_type_size(field->type));
}

bool pbfield_is_set(const ProtobufCMessage *message,
                    const ProtobufCFieldDescriptor *field) {
    const void *value = pbfield_value(message, field);

    if (pbfield_is_repeated(field))
        return pbfield_count(message, field) > 0;
    if (pbfield_is_oneof(field))
        return pbfield_oneof_case(message, field) == field->id;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(void *const *)value != NULL;
    if (field->label == PROTOBUF_C_LABEL_NONE)
        return is_not_zero(field, value);
    if (field->label == PROTOBUF_C_LABEL_REQUIRED)
        return true;
    if (is_pointer(field)) {
        const void *pointer = *(void *const *)value;
        return pointer && pointer != field->default_value;
    }
    return *(const protobuf_c_boolean *)quantifier(message, field) != 0;
}

static void *add_element(ProtobufCMessage *message,
                         const ProtobufCFieldDescriptor *field) {
    size_t *count = (size_t *)quantifier(message, field);
    uint8_t **array = (uint8_t **)pbfield_value(message, field);
    size_t size = pb_type_size(field->type);

    /* protobuf-c keeps no capacity: it is the next power of two. */
    if ((*count & (*count - 1)) == 0)
        *array = mem_grow(*array, (*count ? *count * 2 : 1) * size);
    uint8_t *place = *array + *count * size;
    memset(place, 0, size);
    (*count)++;
    return place;
}

void *pbfield_set(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
    if (pbfield_is_repeated(field))
        return add_element(message, field);

    void *place = (void *)pbfield_value(message, field);
    memset(place, 0, pb_type_size(field->type));
    if (pbfield_is_oneof(field))
        *(uint32_t *)quantifier(message, field) = field->id;
    else if (field->quantifier_offset != 0)
        *(protobuf_c_boolean *)quantifier(message, field) = 1;
    return place;
}
