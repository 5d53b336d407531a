/*
 * schema_message - a protobuf-c message type made at run time
 *
 * Lays the struct out as protoc-c would write it, computes offsets, and keeps the sorted
 * tables that protobuf-c searches. Extensions and groups are left out: on the wire they
 * are unknown fields.
 */
#pragma once

#include "wire/schema_link.h"

/* Fills type->message from its file. 0 or SCHEMA_E_*. */
int schema_message_fill(struct schema_link *link, struct schema_type *type);
