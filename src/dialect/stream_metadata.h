/*
 * stream_metadata - metadata of calls as fields of messages
 *
 * What belongs to gRPC itself is left out both ways; "-bin" values are bytes in messages
 * and base64 in headers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "roost/v1/gateway.pb-c.h"

struct headers;

/* Fields for a message, one array of pointers to free with stream_metadata_free(). */
size_t stream_metadata_write(const struct headers *metadata,
                             Roost__V1__MetadataField ***ret_fields);
void stream_metadata_free(Roost__V1__MetadataField **fields, size_t count);

/* Appends what came; false when a field is none or there are more bytes than max. */
bool stream_metadata_read(Roost__V1__MetadataField *const *fields,
                          size_t count,
                          size_t bytes_max,
                          struct headers *metadata);
