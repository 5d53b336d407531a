/*
 * pb - protobuf that came from outside, unpacked with a guard
 *
 * protobuf-c recurses without limit, unpacks 4 MB of empty messages to 106 MiB, lets a
 * length wrap around, and reads before an array when it merges two messages. Before it
 * sees bytes, a scan over the descriptor checks that they are well formed, nest at most
 * 64 deep, and charges every allocation to a budget. Generated descriptors and those of
 * wire/schema.h work alike.
 *
 * Stricter than protobuf asks, so that nothing unpacks to something else than was sent:
 * a string must be UTF-8 without a NUL, a singular message may stand only once, a known
 * field must have its own wire type, and groups are refused.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"

enum {
    PB_E_BAD = 1, /* not a message of this type */
    PB_E_TOO_BIG, /* nests too deep, or would unpack to more than the budget */
};

enum { PB_DEPTH_MAX = 64, PB_BUDGET = 16 << 20 };

/* Checks the bytes: 0 or PB_E_*. budget is in bytes of unpacked memory. */
int pb_scan(const ProtobufCMessageDescriptor *type, struct slice bytes, size_t budget);

/* Scans, then unpacks; *ret_message is freed with pb_free(). 0 or PB_E_*. */
int pb_unpack(const ProtobufCMessageDescriptor *type,
              struct slice bytes,
              ProtobufCMessage **ret_message);

/* A message that holds its defaults, on the heap: pb_free() it. */
ProtobufCMessage *pb_new(const ProtobufCMessageDescriptor *type);

/* NULL is fine; always returns NULL. */
ProtobufCMessage *pb_free(ProtobufCMessage *message);

/* For auto_(pb_freep). */
void pb_freep(ProtobufCMessage **message);

/*
 * A text as a field of a message that is packed and then dropped: protobuf-c's strings
 * are not const, and packing only reads them. NULL: "", as the field is when not set.
 */
char *pb_lend(const char *text);

/* Appends the packed message. */
void pb_pack(struct buf *out, const ProtobufCMessage *message);

/* Bytes of one element of this type, in a message or in a repeated field's array. */
size_t pb_type_size(ProtobufCType type);
