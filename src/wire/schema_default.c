#include "wire/schema_default.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "wire/pb.h"
#include "wire/pbnumber.h"

static bool parse_integer(ProtobufCType type, struct slice text, void *at) {
    int64_t number;
    uint64_t natural;

    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return pbnumber_read_int64(text, INT64_MIN, INT64_MAX, at) == 0;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return pbnumber_read_uint64(text, UINT64_MAX, at) == 0;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        if (pbnumber_read_uint64(text, UINT32_MAX, &natural) != 0)
            return false;
        *(uint32_t *)at = (uint32_t)natural;
        return true;
    default:
        if (pbnumber_read_int64(text, INT32_MIN, INT32_MAX, &number) != 0)
            return false;
        *(int32_t *)at = (int32_t)number;
        return true;
    }
}

/* protoc writes "inf", "-inf" and "nan". */
static bool parse_real(const char *text, double *ret_value) {
    if (strcmp(text, "inf") == 0)
        *ret_value = (double)INFINITY;
    else if (strcmp(text, "-inf") == 0)
        *ret_value = -(double)INFINITY;
    else if (strcmp(text, "nan") == 0)
        *ret_value = (double)NAN;
    else
        return pbnumber_read_double(slice_of_text(text), ret_value) == 0;
    return true;
}

static bool parse_bool(const char *text, protobuf_c_boolean *at) {
    *at = strcmp(text, "true") == 0;
    return *at || strcmp(text, "false") == 0;
}

/* One to three octal digits. */
static const char *take_octal(const char *text, uint8_t *ret_byte) {
    unsigned value = 0;

    for (int i = 0; i < 3 && *text >= '0' && *text <= '7'; i++)
        value = value * 8 + (unsigned)(*text++ - '0');
    *ret_byte = (uint8_t)value;
    return text;
}

/* Bytes are escaped as in C, by protoc with octal digits. NULL: not so. */
static const char *take_escape(const char *text, uint8_t *ret_byte) {
    static const char letters[] = "abfnrtv\\'\"?";
    static const char meanings[] = "\a\b\f\n\r\t\v\\'\"?";

    if (*text >= '0' && *text <= '7')
        return take_octal(text, ret_byte);
    const char *found = *text ? strchr(letters, *text) : NULL;
    if (!found)
        return NULL;
    *ret_byte = (uint8_t)meanings[found - letters];
    return text + 1;
}

static bool parse_bytes(struct schema_pool *pool,
                        const char *text,
                        ProtobufCBinaryData *at) {
    at->data = schema_pool_get(pool, strlen(text), 1);
    while (*text) {
        uint8_t byte = (uint8_t)*text++;
        if (byte == '\\') {
            text = take_escape(text, &byte);
            if (!text)
                return false;
        }
        at->data[at->len++] = byte;
    }
    return true;
}

const void *schema_default_parse(struct schema_pool *pool,
                                 const ProtobufCFieldDescriptor *field,
                                 const char *text) {
    void *at = schema_pool_get(pool, 1, sizeof(ProtobufCBinaryData));
    double real = 0;
    bool fits;

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return schema_pool_text(pool, text);
    case PROTOBUF_C_TYPE_BYTES:
        fits = parse_bytes(pool, text, at);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        fits = parse_bool(text, at);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        fits = parse_real(text, at);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        fits = parse_real(text, &real);
        *(float *)at = (float)real;
        break;
    case PROTOBUF_C_TYPE_ENUM:
        fits = true;
        break;
    default:
        fits = parse_integer(field->type, slice_of_text(text), at);
        break;
    }
    return fits ? at : NULL;
}
