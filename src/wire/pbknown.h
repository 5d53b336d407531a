/*
 * pbknown - the messages of google.protobuf that JSON writes in a form of their own
 *
 * They are known by name and by shape: a type made at run time that only carries the name
 * is an ordinary message.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

enum pbknown {
    PBKNOWN_NONE,    /* an ordinary message; Empty is one too */
    PBKNOWN_STAMP,   /* Timestamp: 1 seconds, 2 nanos */
    PBKNOWN_SPAN,    /* Duration: the same */
    PBKNOWN_WRAPPER, /* DoubleValue and the others: 1 value */
    PBKNOWN_STRUCT,  /* Struct: 1 a map of Values */
    PBKNOWN_VALUE,   /* Value: a oneof of PBKNOWN_VALUE_* */
    PBKNOWN_LIST,    /* ListValue: 1 repeated Values */
    PBKNOWN_MASK,    /* FieldMask: 1 repeated paths */
    PBKNOWN_ANY,     /* Any: 1 type_url, 2 value */
};

/* The fields of google.protobuf.Value. */
enum {
    PBKNOWN_VALUE_NULL = 1,
    PBKNOWN_VALUE_NUMBER,
    PBKNOWN_VALUE_TEXT,
    PBKNOWN_VALUE_BOOL,
    PBKNOWN_VALUE_STRUCT,
    PBKNOWN_VALUE_LIST,
};

enum pbknown pbknown_of(const ProtobufCMessageDescriptor *type);

/* Whether JSON's null is a value of this field: a Value or the enum NullValue. */
bool pbknown_takes_null(const ProtobufCFieldDescriptor *field);
