#include "wire/pbjson.h"

#include "base/mem.h"
#include "wire/pb.h"
#include "wire/pbfield.h"
#include "wire/pbknown.h"

enum {
    LEVELS_MAX = 4,   /* deeper than that nobody reads a sample */
    FIELDS_MAX = 500, /* in all; types of others may be wide and deep */
    BYTES_MAX = 4 << 20,
};

struct sampling {
    unsigned level;
    unsigned fields;
    size_t bytes; /* of messages */
};

static void fill(struct sampling *sampling, ProtobufCMessage *message);

static const ProtobufCEnumValue *telling_value(const ProtobufCEnumDescriptor *type) {
    for (unsigned i = 0; i < type->n_values; i++)
        if (type->values[i].value > 0)
            return &type->values[i];
    return type->n_values ? &type->values[0] : NULL;
}

static void fill_enum(const ProtobufCFieldDescriptor *field, int32_t *at) {
    const ProtobufCEnumValue *value = telling_value(field->descriptor);
    *at = value ? value->value : 0;
}

static void fill_bytes(ProtobufCBinaryData *at) {
    static const char text[] = "bytes";
    *at = (ProtobufCBinaryData) { sizeof(text) - 1, mem_dup(text, sizeof(text) - 1) };
}

static void fill_value(struct sampling *sampling,
                       const ProtobufCFieldDescriptor *field,
                       void *at) {
    switch (field->type) {
    case PROTOBUF_C_TYPE_DOUBLE:
        *(double *)at = 1.5;
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        *(float *)at = 1.5F;
        break;
    case PROTOBUF_C_TYPE_ENUM:
        fill_enum(field, at);
        break;
    case PROTOBUF_C_TYPE_STRING:
        *(char **)at = mem_strdup(field->name);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        fill_bytes(at);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)at = pb_new(field->descriptor);
        fill(sampling, *(ProtobufCMessage **)at);
        break;
    default:
        /* A one, whatever the width. */
        if (pb_type_size(field->type) == 8)
            *(uint64_t *)at = 1;
        else
            *(uint32_t *)at = 1;
        break;
    }
}

static bool is_too_deep(const struct sampling *sampling,
                        const ProtobufCFieldDescriptor *field) {
    if (field->type != PROTOBUF_C_TYPE_MESSAGE ||
        field->label == PROTOBUF_C_LABEL_REQUIRED)
        return false;
    return sampling->level >= LEVELS_MAX || sampling->bytes > BYTES_MAX;
}

static void fill_fields(struct sampling *sampling, ProtobufCMessage *message) {
    const ProtobufCMessageDescriptor *type = message->descriptor;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (is_too_deep(sampling, field) || sampling->fields >= FIELDS_MAX)
            continue;
        /* The first member stands for its oneof. */
        if (pbfield_is_oneof(field) && pbfield_oneof_case(message, field) != 0)
            continue;
        sampling->fields++;
        fill_value(sampling, field, pbfield_set(message, field));
    }
}

/* A time of day that shows what is what. */
static void fill_stamp(ProtobufCMessage *message) {
    *(int64_t *)pbfield_set(message, &message->descriptor->fields[0]) = 1767323045;
}

/* The text kind says more than null. */
static void fill_kind(struct sampling *sampling, ProtobufCMessage *message) {
    const ProtobufCFieldDescriptor *text =
        protobuf_c_message_descriptor_get_field(message->descriptor, PBKNOWN_VALUE_TEXT);
    fill_value(sampling, text, pbfield_set(message, text));
}

static void fill(struct sampling *sampling, ProtobufCMessage *message) {
    /* Required fields may nest without end. */
    if (sampling->level >= PB_DEPTH_MAX - 1)
        return;
    sampling->level++;
    sampling->bytes += message->descriptor->sizeof_message;
    switch (pbknown_of(message->descriptor)) {
    case PBKNOWN_STAMP:
        fill_stamp(message);
        break;
    case PBKNOWN_VALUE:
        fill_kind(sampling, message);
        break;
    default:
        fill_fields(sampling, message);
        break;
    }
    sampling->level--;
}

void pbjson_sample(struct buf *out, const ProtobufCMessageDescriptor *type, bool pretty) {
    const struct pbjson_style style = { .pretty = pretty };
    struct sampling sampling = { 0 };
    auto_(pb_freep) ProtobufCMessage *message = pb_new(type);
    char *why = NULL;

    fill(&sampling, message);
    if (pbjson_write(out, message, &style, &why) != 0)
        buf_add_text(out, "{}");
    free(why);
}
