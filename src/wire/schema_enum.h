/*
 * schema_enum - a protobuf-c enum made at run time
 */
#pragma once

#include "wire/schema_link.h"

/* Fills type->values from its file. 0 or SCHEMA_E_BAD. */
int schema_enum_fill(struct schema_link *link, struct schema_type *type);
