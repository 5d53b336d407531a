/*
 * schema_default - the default that a proto2 file gives a field
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "wire/schema_pool.h"

/* What default_value of the field points to, from the pool; NULL: the text is wrong. An
 * enum's values need not be filled yet, so its default is left at zero. */
const void *schema_default_parse(struct schema_pool *pool,
                                 const ProtobufCFieldDescriptor *field,
                                 const char *text);
