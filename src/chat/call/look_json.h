/*
 * look_json - a request put together field by field, as JSON
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "wire/pb.h"

enum { LOOK_JSON_E_BAD = 1 }; /* *ret_why says in a sentence what is wrong */

/*
 * Appends the JSON object with the field set to what a person typed: a word for a text, a
 * number, true or yes, the name of an enum's value, words apart by commas for a repeated
 * field, and JSON for messages. What else is set of the same oneof is left out. 0 or
 * LOOK_JSON_E_BAD (free ret_why).
 */
int look_json_set(struct buf *out,
                  const ProtobufCMessageDescriptor *type,
                  const char *json,
                  const ProtobufCFieldDescriptor *field,
                  const char *typed,
                  char **ret_why);

/* What kind of value it wants, for a person: "text", "number", "Color", "list of text". A
 * new string. */
char *look_json_kind(const ProtobufCMessageDescriptor *type,
                     const ProtobufCFieldDescriptor *field);
