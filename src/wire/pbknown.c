#include "wire/pbknown.h"

#include <string.h>

#include "wire/pbfield.h"

#define PREFIX "google.protobuf."

enum { FIELDS_MAX = 6 };

static const struct shape {
    const char *name;
    enum pbknown known;
    bool is_repeated; /* all of its fields */
    unsigned count;
    ProtobufCType types[FIELDS_MAX]; /* of the fields numbered from 1 */
} shapes[] = {
    { "Timestamp",
      PBKNOWN_STAMP,
      false,
      2,
      { PROTOBUF_C_TYPE_INT64, PROTOBUF_C_TYPE_INT32 } },
    { "Duration",
      PBKNOWN_SPAN,
      false,
      2,
      { PROTOBUF_C_TYPE_INT64, PROTOBUF_C_TYPE_INT32 } },
    { "DoubleValue", PBKNOWN_WRAPPER, false, 1, { PROTOBUF_C_TYPE_DOUBLE } },
    { "FloatValue", PBKNOWN_WRAPPER, false, 1, { PROTOBUF_C_TYPE_FLOAT } },
    { "Int64Value", PBKNOWN_WRAPPER, false, 1, { PROTOBUF_C_TYPE_INT64 } },
    { "UInt64Value", PBKNOWN_WRAPPER, false, 1, { PROTOBUF_C_TYPE_UINT64 } },
    { "Int32Value", PBKNOWN_WRAPPER, false, 1, { PROTOBUF_C_TYPE_INT32 } },
    { "UInt32Value", PBKNOWN_WRAPPER, false, 1, { PROTOBUF_C_TYPE_UINT32 } },
    { "BoolValue", PBKNOWN_WRAPPER, false, 1, { PROTOBUF_C_TYPE_BOOL } },
    { "StringValue", PBKNOWN_WRAPPER, false, 1, { PROTOBUF_C_TYPE_STRING } },
    { "BytesValue", PBKNOWN_WRAPPER, false, 1, { PROTOBUF_C_TYPE_BYTES } },
    { "Struct", PBKNOWN_STRUCT, true, 1, { PROTOBUF_C_TYPE_MESSAGE } },
    { "Value",
      PBKNOWN_VALUE,
      false,
      6,
      { PROTOBUF_C_TYPE_ENUM, PROTOBUF_C_TYPE_DOUBLE, PROTOBUF_C_TYPE_STRING,
        PROTOBUF_C_TYPE_BOOL, PROTOBUF_C_TYPE_MESSAGE, PROTOBUF_C_TYPE_MESSAGE } },
    { "ListValue", PBKNOWN_LIST, true, 1, { PROTOBUF_C_TYPE_MESSAGE } },
    { "FieldMask", PBKNOWN_MASK, true, 1, { PROTOBUF_C_TYPE_STRING } },
    { "Any", PBKNOWN_ANY, false, 2, { PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES } },
};

static bool fits(const ProtobufCMessageDescriptor *type, const struct shape *shape) {
    if (type->n_fields != shape->count)
        return false;
    for (unsigned i = 0; i < shape->count; i++) {
        const ProtobufCFieldDescriptor *field =
            pbfield_known(type, i + 1, shape->types[i], shape->is_repeated);
        if (!field)
            return false;
        if (shape->known == PBKNOWN_STRUCT && !pbfield_is_map(type, field))
            return false;
        if ((shape->known == PBKNOWN_VALUE) != pbfield_is_oneof(field))
            return false;
    }
    return true;
}

enum pbknown pbknown_of(const ProtobufCMessageDescriptor *type) {
    if (strncmp(type->name, PREFIX, sizeof(PREFIX) - 1) != 0)
        return PBKNOWN_NONE;
    const char *name = type->name + sizeof(PREFIX) - 1;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        if (strcmp(name, shapes[i].name) == 0)
            return fits(type, &shapes[i]) ? shapes[i].known : PBKNOWN_NONE;
    return PBKNOWN_NONE;
}

bool pbknown_takes_null(const ProtobufCFieldDescriptor *field) {
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return pbknown_of(field->descriptor) == PBKNOWN_VALUE;
    if (field->type != PROTOBUF_C_TYPE_ENUM)
        return false;
    const ProtobufCEnumDescriptor *type = field->descriptor;
    return strcmp(type->name, PREFIX "NullValue") == 0;
}
