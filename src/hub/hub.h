/*
 * hub - everything that makes a running hub, put together
 *
 * Opens the store, loads what is kept, starts the services and listens; ends in the
 * opposite order. main() is the only caller.
 */
#pragma once

struct hub;
struct hub_config;
struct loop;

/*
 * Starts a hub; config is borrowed and outlives it. On failure *ret_why gets a text for a
 * person, to be freed: 0 or -errno.
 */
int hub_new(struct loop *loop,
            const struct hub_config *config,
            struct hub **ret_hub,
            char **ret_why);

/* Logs the addresses and the word "ready". */
void hub_announce(const struct hub *hub);

/*
 * SIGHUP: the config has changed in place, in what is live. Takes names and limits over,
 * and certificates (and a successor CA) anew. Borrows nothing of the old values.
 */
void hub_reload(struct hub *hub);

/*
 * Begins a graceful end: no new connections, GOAWAY to all, and on_ended when everybody
 * has gone or limit_ms have passed.
 */
void hub_finish(struct hub *hub,
                unsigned limit_ms,
                void (*on_ended)(void *arg),
                void *arg);

/* Always returns NULL. */
struct hub *hub_free(struct hub *hub);
