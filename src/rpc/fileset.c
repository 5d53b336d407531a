#include "rpc/fileset.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/varint.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "wire/pb.h"

enum { FILE_TAG = 0x0a }; /* FileDescriptorSet.file */

/* A few hundred strings at most: the bytes are limited. */
struct names {
    char **items; /* owned, and so are the strings */
    size_t count;
};

struct fileset {
    struct buf bytes;
    struct names files;
    struct names imports; /* wanted by the files */
    struct names given_up;
    struct names services;
};

typedef Google__Protobuf__FileDescriptorProto File;
typedef Google__Protobuf__FileDescriptorSet FileSet;

static bool has(const struct names *names, const char *name) {
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static void add_name(struct names *names, char *name) {
    names->items = mem_grow(names->items, (names->count + 1) * sizeof(*names->items));
    names->items[names->count++] = name;
}

static void clear(struct names *names) {
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

struct fileset *fileset_new(void) {
    return mem_new(sizeof(struct fileset));
}

struct fileset *fileset_free(struct fileset *set) {
    if (!set)
        return NULL;
    buf_done(&set->bytes);
    clear(&set->files);
    clear(&set->imports);
    clear(&set->given_up);
    clear(&set->services);
    free(set);
    return NULL;
}

static void note_file(struct fileset *set, const File *file) {
    add_name(&set->files, mem_strdup(file->name));
    for (size_t i = 0; i < file->n_dependency; i++)
        if (!has(&set->imports, file->dependency[i]))
            add_name(&set->imports, mem_strdup(file->dependency[i]));
    for (size_t i = 0; i < file->n_service; i++) {
        bool bare = !file->package || file->package[0] == '\0';
        if (file->service[i]->name && file->service[i]->name[0])
            add_name(&set->services, mem_printf("%s%s%s", bare ? "" : file->package,
                                                bare ? "" : ".", file->service[i]->name));
    }
}

static int add_file(struct fileset *set, const File *file, struct slice bytes) {
    if (!file->name || file->name[0] == '\0')
        return FILESET_E_BAD;
    if (has(&set->files, file->name))
        return 0;
    if (set->bytes.len + 1 + VARINT_LEN_MAX + bytes.len > FILESET_BYTES_MAX)
        return FILESET_E_TOO_BIG;
    buf_add_byte(&set->bytes, FILE_TAG);
    varint_add(&set->bytes, bytes.len);
    buf_add_slice(&set->bytes, bytes);
    note_file(set, file);
    return 0;
}

int fileset_add(struct fileset *set, struct slice file) {
    ProtobufCMessage *message;

    if (file.len > FILESET_BYTES_MAX)
        return FILESET_E_TOO_BIG;
    if (pb_unpack(&google__protobuf__file_descriptor_proto__descriptor, file, &message) !=
        0)
        return FILESET_E_BAD;
    int r = add_file(set, (const File *)message, file);
    pb_free(message);
    return r;
}

int fileset_add_set(struct fileset *set, struct slice files) {
    ProtobufCMessage *message;
    struct buf packed = { 0 };
    int r = 0;

    if (files.len > FILESET_BYTES_MAX)
        return FILESET_E_TOO_BIG;
    if (pb_unpack(&google__protobuf__file_descriptor_set__descriptor, files, &message) !=
        0)
        return FILESET_E_BAD;
    const FileSet *all = (const FileSet *)message;
    for (size_t i = 0; i < all->n_file && r == 0; i++) {
        buf_clear(&packed);
        pb_pack(&packed, &all->file[i]->base);
        r = add_file(set, all->file[i], buf_slice(&packed));
    }
    buf_done(&packed);
    pb_free(message);
    return r;
}

const char *fileset_missing(const struct fileset *set) {
    for (size_t i = 0; i < set->imports.count; i++)
        if (!has(&set->files, set->imports.items[i]) &&
            !has(&set->given_up, set->imports.items[i]))
            return set->imports.items[i];
    return NULL;
}

void fileset_give_up(struct fileset *set, const char *name) {
    add_name(&set->given_up, mem_strdup(name));
}

bool fileset_has_service(const struct fileset *set, const char *service) {
    return has(&set->services, service);
}

const char *fileset_service_at(const struct fileset *set, size_t i) {
    return i < set->services.count ? set->services.items[i] : NULL;
}

struct slice fileset_bytes(const struct fileset *set) {
    return buf_slice(&set->bytes);
}
