#include "wire/schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "wire/pb.h"
#include "wire/schema_link.h"

enum {
    BYTES_MAX = 1 << 20, /* of descriptors in one schema; ours are 20 kB */
    /* Descriptors with short names unpack to some 50 times their size. */
    BUDGET_BASE = 64 << 10,
    BUDGET_TIMES = 64,
};

struct schema {
    Google__Protobuf__FileDescriptorProto **files; /* owned, until it is linked */
    size_t file_count;
    struct map *names;       /* owned; of the files, to themselves */
    size_t bytes;            /* added so far */
    struct schema_link link; /* the types, once it is linked */
    bool is_linked;
};

struct schema *schema_new(void) {
    struct schema *schema = mem_new(sizeof(*schema));
    schema->names = map_new();
    return schema;
}

static void drop_files(struct schema *schema) {
    for (size_t i = 0; i < schema->file_count; i++)
        pb_free(&schema->files[i]->base);
    free(schema->files);
    schema->files = NULL;
    schema->file_count = 0;
    schema->names = map_free(schema->names);
}

struct schema *schema_free(struct schema *schema) {
    if (!schema)
        return NULL;
    drop_files(schema);
    if (schema->is_linked)
        schema_link_done(&schema->link);
    free(schema);
    return NULL;
}

int schema_add_file(struct schema *schema, struct slice bytes) {
    const ProtobufCMessageDescriptor *type =
        &google__protobuf__file_descriptor_proto__descriptor;
    ProtobufCMessage *message;

    assert(!schema->is_linked);
    if (bytes.len > BYTES_MAX - schema->bytes)
        return SCHEMA_E_TOO_BIG;
    int r = pb_scan(type, bytes, BUDGET_BASE + BUDGET_TIMES * bytes.len);
    if (r == 0)
        r = pb_unpack(type, bytes, &message);
    if (r != 0)
        return r == PB_E_TOO_BIG ? SCHEMA_E_TOO_BIG : SCHEMA_E_BAD;

    Google__Protobuf__FileDescriptorProto *file =
        (Google__Protobuf__FileDescriptorProto *)message;
    if (!file->name || map_get(schema->names, file->name)) {
        r = file->name ? 0 : SCHEMA_E_BAD;
        pb_free(message);
        return r;
    }
    schema->bytes += bytes.len;
    schema->files =
        mem_grow(schema->files, (schema->file_count + 1) * sizeof(schema->files[0]));
    schema->files[schema->file_count++] = file;
    map_put(schema->names, file->name, file);
    return 0;
}

/* The length at the start, at most three bytes of it: files are below 1 MiB. */
static bool take_len(struct slice *left, size_t *ret_len) {
    size_t len = 0;

    for (size_t i = 0; i < 3 && i < left->len; i++) {
        len |= (size_t)(left->at[i] & 0x7f) << 7 * i;
        if (left->at[i] < 0x80) {
            *left = slice_after(*left, i + 1);
            *ret_len = len;
            return len <= left->len;
        }
    }
    return false;
}

int schema_add_set(struct schema *schema, struct slice set) {
    if (set.len > BYTES_MAX)
        return SCHEMA_E_TOO_BIG;
    /* A FileDescriptorSet is nothing but field 1, again and again. */
    while (set.len > 0) {
        size_t len;
        if (set.at[0] != (1 << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED))
            return SCHEMA_E_BAD;
        set = slice_after(set, 1);
        if (!take_len(&set, &len))
            return SCHEMA_E_BAD;
        int r = schema_add_file(schema, slice_of(set.at, len));
        if (r != 0)
            return r;
        set = slice_after(set, len);
    }
    return 0;
}

const char *schema_missing_import(const struct schema *schema) {
    for (size_t i = 0; i < schema->file_count; i++) {
        const Google__Protobuf__FileDescriptorProto *file = schema->files[i];
        for (size_t k = 0; k < file->n_dependency; k++)
            if (!map_get(schema->names, file->dependency[k]))
                return file->dependency[k];
    }
    return NULL;
}

static int link_files(struct schema *schema) {
    int r = 0;

    for (size_t i = 0; r == 0 && i < schema->file_count; i++)
        r = schema_link_place(&schema->link, schema->files[i]);
    if (r == 0)
        r = schema_link_fill(&schema->link);
    for (size_t i = 0; r == 0 && i < schema->file_count; i++)
        r = schema_link_services(&schema->link, schema->files[i]);
    return r;
}

int schema_link(struct schema *schema, char **ret_why) {
    assert(!schema->is_linked);
    schema_link_init(&schema->link);
    int r = link_files(schema);
    if (r != 0) {
        *ret_why = TAKE(schema->link.why);
        schema_link_done(&schema->link);
        return r;
    }
    /* All names were copied. */
    drop_files(schema);
    schema->is_linked = true;
    return 0;
}

size_t schema_service_count(const struct schema *schema) {
    return schema->link.listed_count;
}

const struct schema_service *schema_service_at(const struct schema *schema, size_t i) {
    assert(i < schema->link.listed_count);
    return schema->link.listed[i];
}

const struct schema_service *schema_service_find(const struct schema *schema,
                                                 const char *name) {
    return schema->is_linked ? map_get(schema->link.services, name) : NULL;
}

const struct schema_method *schema_method_find(const struct schema_service *service,
                                               const char *name) {
    for (size_t i = 0; i < service->method_count; i++)
        if (strcmp(service->methods[i].name, name) == 0)
            return &service->methods[i];
    return NULL;
}

const ProtobufCMessageDescriptor *schema_message_find(const struct schema *schema,
                                                      const char *name) {
    const struct schema_type *type =
        schema->is_linked ? map_get(schema->link.types, name) : NULL;
    return type ? type->message : NULL;
}
