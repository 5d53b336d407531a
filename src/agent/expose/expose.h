/*
 * expose - all servers that this agent exposes
 *
 * A target for RPCs of services that are not the agent's own: each goes to the server
 * that has the service, be it away for now; where several have it, to the first by name
 * that is serving. It also knows what reflection and health tell of those services.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct expose;
struct health_others;
struct loop;
struct offer;
struct reflection_others;
struct services;
struct settings_members;
struct target;

struct expose_config {
    struct loop *loop;    /* borrowed, as all: outlives it */
    struct services *own; /* what the agent serves itself; what yields there, does so to
                             servers that have it, or that take every call */
    /* May this service be called here? */
    bool (*may)(void *arg, const char *service);
    /* What is offered may have changed. Not from inside an expose_* function. */
    void (*on_change)(void *arg);
    void *arg;
};

/* Without any server. */
struct expose *expose_new(const struct expose_config *config);

/* Ends calls under way. NULL is fine; always returns NULL. */
struct expose *expose_free(struct expose *expose);

/*
 * Exposes these and no others, members of struct config_expose; one that stays as it was
 * keeps its connections. The settings are borrowed until the next time; paths in them are
 * below folder.
 */
void expose_set(struct expose *expose,
                const struct settings_members *members,
                const char *folder);

struct target *expose_target(struct expose *expose);

/* Walks what is exposed, by name: NULL at the end. Lent. */
const struct offer *expose_at(const struct expose *expose, size_t i);

/* What reflection and health may ask; both live as long as the expose. Lent. */
const struct reflection_others *expose_reflection(const struct expose *expose);
const struct health_others *expose_health(const struct expose *expose);
