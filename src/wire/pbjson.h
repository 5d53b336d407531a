/*
 * pbjson - protobuf messages to JSON and back, by the proto3 JSON mapping
 *
 * One transcoder over protobuf-c descriptors. int64 as strings, bytes as base64, enums by
 * name, Timestamp, Duration, wrappers, Struct, FieldMask, Empty, maps and oneofs as the
 * mapping says; input accepts what the mapping lets a parser accept. Errors carry the
 * path of the field ("users[2].name").
 *
 * Where we differ from the mapping: an Any whose type is not known (struct pbjson_types)
 * is {"@type": URL, "value": BASE64}; a Value without a kind is written as null; a text
 * with a NUL in it is refused, because protobuf-c cannot hold one.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/buf.h"

enum { PBJSON_E_BAD = 1 }; /* *ret_why says where and what */

/* The types that an Any may hold, by their full names. Zeroed: none is known. */
struct pbjson_types {
    const ProtobufCMessageDescriptor *(*find)(void *arg, const char *name);
    void *arg;
};

struct pbjson_style {
    bool pretty;        /* two spaces a level */
    bool with_defaults; /* also fields that hold their default, where "not set" and "set
                           to the default" are the same */
    bool proto_names;   /* memory_bytes instead of memoryBytes */
    bool enum_numbers;  /* 2 instead of "STARTED" */
    bool long_numbers;  /* 64 bits as numbers, though not every reader has them whole */
    struct pbjson_types types;
};

/* Appends the message as JSON; style may be NULL. 0, or PBJSON_E_BAD for a value that has
 * no JSON form (a Timestamp out of range, broken UTF-8), and out is as it was. ret_why
 * gets a text to free. */
int pbjson_write(struct buf *out,
                 const ProtobufCMessage *message,
                 const struct pbjson_style *style,
                 char **ret_why);

/*
 * Reads one JSON value, mostly an object, into a new message (pb_free() it). Nesting and
 * memory are limited as in pb.h. 0 or PBJSON_E_BAD; ret_why gets a text to free:
 * "users[2].nme: no such field in roost.v1.User".
 */
int pbjson_read(const ProtobufCMessageDescriptor *type,
                struct slice json,
                ProtobufCMessage **ret_message,
                char **ret_why);

/* The same with types that an Any may hold; they are borrowed. */
int pbjson_read_with(const ProtobufCMessageDescriptor *type,
                     struct slice json,
                     const struct pbjson_types *types,
                     ProtobufCMessage **ret_message,
                     char **ret_why);

/* Appends a sample of the type: every field with a telling value, for `--sample`. It
 * can be read back, and leaves out what nests more than a few levels deep. */
void pbjson_sample(struct buf *out, const ProtobufCMessageDescriptor *type, bool pretty);
