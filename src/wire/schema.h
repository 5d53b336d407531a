/*
 * schema - protobuf types learned at run time
 *
 * Takes serialised FileDescriptorProtos in any order (reflection answers so), checks
 * them, and builds protobuf-c descriptors in memory, so that the same transcoder and
 * guard serve generated types and anybody's. The types live as long as the schema. Groups
 * and extensions are left out: to such a type they are unknown fields.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/slice.h"

struct schema;

enum {
    SCHEMA_E_BAD = 1, /* not a descriptor, or inconsistent: duplicate numbers, unknown
                         kinds, names clash */
    SCHEMA_E_MISSING, /* a type is not there (yet) */
    SCHEMA_E_TOO_BIG, /* over 1 MiB of descriptors */
};

struct schema_method {
    char *name;                               /* owned by the schema: "Signal" */
    const ProtobufCMessageDescriptor *input;  /* borrowed: the schema */
    const ProtobufCMessageDescriptor *output; /* borrowed: the schema */
    bool client_streaming;
    bool server_streaming;
};

struct schema_service {
    char *name; /* owned by the schema: "roost.v1.Processes" */
    struct schema_method *methods;
    size_t method_count;
};

struct schema *schema_new(void);

/* Frees the schema with all its types; NULL is fine. Always returns NULL. */
struct schema *schema_free(struct schema *schema);

/* Adds one serialised FileDescriptorProto (a second one of the same name is ignored), or
 * a whole FileDescriptorSet. Copies. 0 or SCHEMA_E_*. */
int schema_add_file(struct schema *schema, struct slice file);
int schema_add_set(struct schema *schema, struct slice set);

/* An import that is not here yet, or NULL. Lent. It may be that no type needs it (options
 * that nobody reads): then schema_link() succeeds without. */
const char *schema_missing_import(const struct schema *schema);

/* Resolves all names and builds the types. 0 or SCHEMA_E_*; *ret_why is a text to free.
 * Nothing may be added after it; after a failure more files may come, and then it may be
 * tried again. */
int schema_link(struct schema *schema, char **ret_why);

/* After schema_link(): what there is. All is lent by the schema; NULL: not there. */
size_t schema_service_count(const struct schema *schema);
const struct schema_service *schema_service_at(const struct schema *schema, size_t i);
const struct schema_service *schema_service_find(const struct schema *schema,
                                                 const char *name);
const struct schema_method *schema_method_find(const struct schema_service *service,
                                               const char *name);
const ProtobufCMessageDescriptor *schema_message_find(const struct schema *schema,
                                                      const char *name);
