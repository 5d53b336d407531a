/*
 * schema_link - names of files become types: the inside of schema
 *
 * First every message and enum of every file gets its place under its full name, then
 * each is filled; so that types may refer to each other in any order and in circles.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/map.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "wire/schema.h"
#include "wire/schema_pool.h"

/* A message or an enum that has its place. */
struct schema_type {
    struct schema_type *next; /* owned by the pool */
    const char *name;         /* owned by the pool: "package.Outer.Name" */
    const char *package;      /* owned by the pool */
    bool is_proto3;
    ProtobufCMessageDescriptor *message; /* owned by the pool; NULL: it is an enum */
    ProtobufCEnumDescriptor *values;     /* owned by the pool; NULL: it is a message */
    const Google__Protobuf__DescriptorProto *message_from;  /* borrowed: the file */
    const Google__Protobuf__EnumDescriptorProto *enum_from; /* borrowed: the file */
};

struct schema_link {
    struct schema_pool *pool;       /* owned; of all that is made */
    struct map *types;              /* owned; full name to struct schema_type */
    struct map *services;           /* owned; full name to struct schema_service */
    struct schema_type *first;      /* owned by the pool; in the order of the files */
    struct schema_type *last;       /* owned by the pool */
    struct schema_service **listed; /* owned, the services by the pool; in order */
    size_t listed_count;
    const char *package; /* owned by the pool; of the file that is placed */
    bool is_proto3;      /* the same file */
    size_t type_count;
    size_t searched; /* bytes of names that were looked up */
    char *why;       /* owned; what is wrong */
};

void schema_link_init(struct schema_link *link);
void schema_link_done(struct schema_link *link);

/* Gives the file's types their places. 0 or SCHEMA_E_BAD. */
int schema_link_place(struct schema_link *link,
                      const Google__Protobuf__FileDescriptorProto *file);

/* Fills all types that have a place. 0 or SCHEMA_E_*. */
int schema_link_fill(struct schema_link *link);

/* Adds the file's services; the types are filled. 0 or SCHEMA_E_*. */
int schema_link_services(struct schema_link *link,
                         const Google__Protobuf__FileDescriptorProto *file);

/* The type that name means inside scope: ".a.B" says it all, "B" is looked for in the
 * scope and then further out. NULL: there is none. */
const struct schema_type *schema_link_find(struct schema_link *link,
                                           const char *scope,
                                           const char *name);

/* Whether this is a name as protobuf has them, with dots or without. */
bool schema_link_is_name(const char *name, bool with_dots);

/* Notes what is wrong; answers r. */
int schema_link_fail(struct schema_link *link, int r, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "package.Outer.Name" is "Name". */
const char *schema_link_short_name(const char *name);
