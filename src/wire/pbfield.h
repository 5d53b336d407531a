/*
 * pbfield - reach the fields of a protobuf-c message through its descriptor
 *
 * protobuf-c keeps presence in five different ways and maps as arrays of entries. This
 * is the one place that knows them. Types made at run time (wire/schema.h) note a field's
 * json_name in reserved2 when it is not the one derived from its name.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/buf.h"

/* Appends the name in JSON: memory_bytes is memoryBytes. */
void pbfield_add_json_name(struct buf *out, const ProtobufCFieldDescriptor *field);

/* Finds a field by its name in JSON or in the .proto file; NULL: there is none. */
const ProtobufCFieldDescriptor *pbfield_find(const ProtobufCMessageDescriptor *type,
                                             struct slice name);

/* The field with this number, of this type and label kind; NULL: there is none. */
const ProtobufCFieldDescriptor *pbfield_known(const ProtobufCMessageDescriptor *type,
                                              uint32_t number,
                                              ProtobufCType kind,
                                              bool is_repeated);

/* Whether this repeated field of parent is a map; its entries have a key and a value. */
bool pbfield_is_map(const ProtobufCMessageDescriptor *parent,
                    const ProtobufCFieldDescriptor *field);

bool pbfield_is_repeated(const ProtobufCFieldDescriptor *field);
bool pbfield_is_oneof(const ProtobufCFieldDescriptor *field);

/* Whether "not set" and "set to the default" can be told apart. */
bool pbfield_has_presence(const ProtobufCFieldDescriptor *field);

/* Whether it is set: present, not empty, or (without presence) not zero. */
bool pbfield_is_set(const ProtobufCMessage *message,
                    const ProtobufCFieldDescriptor *field);

/* How many elements a repeated field has, and where element i is. */
size_t pbfield_count(const ProtobufCMessage *message,
                     const ProtobufCFieldDescriptor *field);
const void *pbfield_element(const ProtobufCMessage *message,
                            const ProtobufCFieldDescriptor *field,
                            size_t i);

/* Where the value of a singular field is. */
const void *pbfield_value(const ProtobufCMessage *message,
                          const ProtobufCFieldDescriptor *field);

/* The number of the member that is set in the field's oneof; 0: none. */
uint32_t pbfield_oneof_case(const ProtobufCMessage *message,
                            const ProtobufCFieldDescriptor *field);

/*
 * Makes room for a value in a message from the heap (pb_new()) and lends the place,
 * zeroed: a further element of a repeated field, or the singular value, then marked as
 * present. A singular field is set at most once.
 */
void *pbfield_set(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
