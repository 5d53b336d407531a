/*
 * discovery - asks a gRPC server which services it has, and how they look
 *
 * By grpc.reflection.v1, and by v1alpha where that is not served. First the list comes,
 * then the files that describe the services and all that they import, one question after
 * the other on one stream, 10 s at most. Files beyond 1 MiB are left out.
 */
#pragma once

#include <stddef.h>

#include "wire/grpc.h"

struct discovery;
struct fileset;
struct loop;
struct target;

enum { DISCOVERY_SERVICES_MAX = 256 };

struct discovery_config {
    struct loop *loop;       /* borrowed: outlives it, as all */
    struct target *target;   /* the server */
    struct fileset *fileset; /* gets the files; NULL: only the list is wanted */
    /* The services that it lists, its reflection and health left out. Lent, sorted. */
    void (*on_list)(void *arg, char *const *names, size_t count);
    /* The end, once; UNIMPLEMENTED: it has no reflection. */
    void (*on_done)(void *arg, enum grpc_status status, const char *why);
    void *arg;
};

/* Starts asking. Neither function comes from inside. */
struct discovery *discovery_new(const struct discovery_config *config);

/* Stops asking; from on_done too. NULL is fine; always returns NULL. */
struct discovery *discovery_free(struct discovery *discovery);

/* Is it one of those that every server has for itself: reflection, health? */
bool discovery_is_plumbing(const char *service);
