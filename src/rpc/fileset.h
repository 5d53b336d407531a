/*
 * fileset - .proto files of a back end, as descriptors
 *
 * Collects serialised FileDescriptorProtos, each name once, up to 1 MiB; what reflection
 * is answered from. Takes what somebody else's server says, so everything is checked.
 */
#pragma once

#include <stddef.h>

#include "base/slice.h"

struct fileset;

enum {
    FILESET_E_BAD = 1, /* not a descriptor of a file */
    FILESET_E_TOO_BIG, /* it would be over FILESET_BYTES_MAX */
};

enum { FILESET_BYTES_MAX = 1 << 20 };

struct fileset *fileset_new(void);

/* NULL is fine; always returns NULL. */
struct fileset *fileset_free(struct fileset *set);

/* Adds one file, or all of a FileDescriptorSet; a second one of the same name is ignored.
 * 0 or FILESET_E_*, and then what came before the fault is there. */
int fileset_add(struct fileset *set, struct slice file);
int fileset_add_set(struct fileset *set, struct slice files);

/* An import of one of the files that is not here, and was not given up; or NULL. */
const char *fileset_missing(const struct fileset *set);

/* Asks for this import no more. */
void fileset_give_up(struct fileset *set, const char *name);

/* Is the service described here? */
bool fileset_has_service(const struct fileset *set, const char *service);

/* Walks the services, "package.Service": NULL at the end. Lent. */
const char *fileset_service_at(const struct fileset *set, size_t i);

/* All of it as a FileDescriptorSet. Lent until something is added. */
struct slice fileset_bytes(const struct fileset *set);
