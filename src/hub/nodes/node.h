/*
 * node - what the hub knows of one node
 *
 * A plain value that the registry owns. What is kept over restarts is saved by the
 * registry whenever it changes; the session and the latest values live only while the hub
 * runs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rpc/actor.h"

struct latest;
struct session;

enum node_kind { NODE_AGENT = 1, NODE_SERVICE, NODE_DEVICE };

enum { NODE_TAGS_MAX = 32 };

/* A gRPC service to be called there. */
struct node_service {
    char *name;     /* owned: "package.Service"; "*": any */
    char *back_end; /* owned: who serves it; "": the node itself */
};

struct node_services {
    struct node_service *items; /* owned, sorted by name, then back end */
    size_t count;
};

struct node {
    char *name;         /* owned: [a-z0-9][a-z0-9._-]{0,62} */
    char *title;        /* owned; "" when unset */
    char **tags;        /* owned; NULL-terminated, sorted */
    char *instance;     /* owned: of the agent that holds the name; "" before it joined */
    char *address;      /* owned: of the live link, or of the last one */
    char *version;      /* owned */
    char *capabilities; /* owned: comma-separated */
    char *networks;     /* owned: comma-separated, as nodes.proto has them */
    char *transport;    /* owned: "ptth", "ws" */
    char *ended;        /* owned: how its last link ended; "" */
    int64_t created_ms; /* wall times; 0: never */
    int64_t online_since_ms;
    int64_t last_seen_ms;
    uint64_t generation; /* of the live link, or of the last one */
    enum node_kind kind;
    uint64_t
        leaving_ms;  /* loop time at which its peer said that it goes; 0: it did not */
    bool was_online; /* when the hub stopped; so it will dial in again soon */
    bool anonymous;  /* it registered without a credential, by the older dialect */
    struct session
        *session;  /* borrowed: the session that holds the name; NULL: offline */
    char *refused; /* owned: the instance that was refused last; "" */
    struct node_services services; /* beside Roost's own; of no meaning while offline */
    bool tells_services;           /* the list has come since the session began */
    unsigned catalogues;           /* that were sent: counts, for who reads rows */
    struct latest *latest;         /* owned: the newest sample; NULL before the first */
};

/* An empty node of that name; strings are never NULL. */
struct node *node_new(const char *name);

/* NULL is fine; always returns NULL. */
struct node *node_free(struct node *node);

/* What the actor's role on the node is now. */
enum actor_role node_role(const struct node *node, const struct actor *actor);

/* Replaces a string field: node_set(&node->title, "NAS"). */
void node_set(char **field, const char *text);

bool node_has_tag(const struct node *node, const char *tag);

/* Adds or removes; false when nothing changed or there are NODE_TAGS_MAX already. */
bool node_add_tag(struct node *node, const char *tag);
bool node_remove_tag(struct node *node, const char *tag);
size_t node_tag_count(const struct node *node);

/* Adds a copy in its place, unless it is there already. */
void node_services_add(struct node_services *services,
                       const char *name,
                       const char *back_end);

/* Takes the services in place of the old ones; false when they are the same. */
bool node_set_services(struct node *node, struct node_services *services);

/* May the service be there ("package.Service")? Unless the node tells otherwise. */
bool node_may_serve(const struct node *node, const char *service);
