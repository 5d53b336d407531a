/*
 * offer - what one exposed server has to offer: its services, and whether they are there
 *
 * The services are those listed by hand, else those of the descriptors, else what its
 * reflection says each time that it comes up. A server that is alone and has none of
 * these takes every call. Its health is watched (grpc.health.v1, the whole server); one
 * without that service is healthy while it is connected. What was learned stays while it
 * is away, so that calls can say who is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct config_expose;
struct fileset;
struct loop;
struct offer;
struct services;
struct target;

/* As roost.v1.BackEnd.State numbers them. */
enum offer_state {
    OFFER_ASKING = 1, /* it is connected and being asked */
    OFFER_SERVING,
    OFFER_NOT_SERVING, /* it says so itself */
    OFFER_UNREACHABLE,
};

struct offer_config {
    struct loop *loop;                    /* borrowed: outlives it, as all */
    const char *name;                     /* copied */
    const struct config_expose *settings; /* see offer_keep() */
    const char *folder;                   /* that relative paths are below */
    const struct services *own;           /* what the agent serves itself is left out */
    bool alone;                           /* the only back end */
    void (*on_change)(void *arg);         /* not from inside an offer_* function */
    void *arg;
};

struct offer *offer_new(const struct offer_config *config);

/* NULL is fine; always returns NULL. */
struct offer *offer_free(struct offer *offer);

/* Is it what these settings want? Then it borrows them from now on instead of the old
 * ones, and reads its descriptors again. */
bool offer_keep(struct offer *offer, const struct offer_config *config);

const char *offer_name(const struct offer *offer);
struct target *offer_target(struct offer *offer);
enum offer_state offer_state(const struct offer *offer);

/* Why it is not serving, for a person; "". Lent. */
const char *offer_why(const struct offer *offer);

/* Is it known what it serves, be it now or before it went away? */
bool offer_is_known(const struct offer *offer);

/* Does it take calls of any service? */
bool offer_takes_all(const struct offer *offer);

bool offer_has(const struct offer *offer, const char *service);

/* Walks its services by name: NULL at the end. Lent. */
const char *offer_service_at(const struct offer *offer, size_t i);

/* What describes them; may be empty. Lent until the next change. */
const struct fileset *offer_files(const struct offer *offer);
