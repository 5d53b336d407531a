/*
 * hub - everything that makes a running hub, put together
 *
 * Opens the store, loads what is kept, starts the services and listens; ends in the
 * opposite order. main() is the only caller.
 */
#pragma once

#include "hub/front/doors.h"

struct hub;
struct hub_config;
struct loop;

/*
 * Starts a hub; config is borrowed and outlives it. With an inheritance it waits until
 * the hub before it lets go, and uses its sockets. On failure *ret_why gets a text for a
 * person, to be freed: 0 or -errno.
 */
int hub_new(struct loop *loop,
            const struct hub_config *config,
            struct inheritance *inheritance,
            struct hub **ret_hub,
            char **ret_why);

/* Tells what the hub before left unclear; logs the addresses and the word "ready". */
void hub_announce(struct hub *hub);

/*
 * SIGHUP: the config has changed in place, in what is live. Takes names and limits over,
 * and certificates (and a successor CA) anew. Borrows nothing of the old values.
 */
void hub_reload(struct hub *hub);

/*
 * Begins a graceful end: no new connections, GOAWAY to all, and on_ended when everybody
 * has gone or limit_ms have passed. Once it has begun, another call may only bring the
 * end nearer.
 */
void hub_finish(struct hub *hub,
                unsigned limit_ms,
                void (*on_ended)(void *arg),
                void *arg);

/* The sockets that another process can inherit, lent; returns how many. */
size_t hub_sockets(const struct hub *hub,
                   struct handover_socket ret_sockets[static DOORS_MAX]);

/* A restart has failed; who asked for it learns why. */
void hub_tell_failed(struct hub *hub, const char *why);

/*
 * Lets go of the data folder: what is there is written and the store closed. From then on
 * the hub only leads calls to nodes; hub_finish() comes next.
 */
void hub_release(struct hub *hub);

/* Always returns NULL. */
struct hub *hub_free(struct hub *hub);
