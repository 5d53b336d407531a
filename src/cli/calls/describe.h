/*
 * describe - services and types as a .proto file would have them
 */
#pragma once

#include "base/buf.h"
#include "wire/schema.h"

/* "rpc List(ListRequest) returns (stream ListResponse)". */
void describe_add_method(struct buf *out, const struct schema_method *method);

/* The service with its methods. */
void describe_add_service(struct buf *out, const struct schema_service *service);

/* A message and all that it uses. */
void describe_add_message(struct buf *out, const ProtobufCMessageDescriptor *type);

/* The types of a method and all that they use, then a sample of its request. */
void describe_add_types(struct buf *out, const struct schema_method *method);
