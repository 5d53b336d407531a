/*
 * xml - messages as XML and back
 *
 * The element of a message is named like its type, those of its fields like the fields
 * of the struct that Go makes of it ("connection_time" is ConnectionTime); a repeated
 * field is repeated, an entry of a map has Key and Value. A Timestamp, a Duration or a
 * FieldMask is its text of the JSON mapping; a Struct, a Value, a ListValue or an Any is
 * its JSON. What is read may use the names of JSON and of the .proto file as well.
 */
#pragma once

#include <stdbool.h>

#include "wire/pb.h"

enum { XML_E_BAD = 1 };

/* Appends JSON that pbjson_write() made of the type, as one element and a line end. */
void xml_add_json(struct buf *out,
                  const ProtobufCMessageDescriptor *type,
                  struct slice json,
                  bool pretty);

/* Appends each element of the text as JSON of the type, one a line: 0, or XML_E_BAD and
 * *ret_why (free it). The values are for pbjson_read() to check. */
int xml_read(struct buf *out,
             const ProtobufCMessageDescriptor *type,
             struct slice text,
             char **ret_why);

/* Appends "ConnectionTime" for "connection_time". */
void xml_add_go_name(struct buf *out, const char *name);
