/*
 * backend - one gRPC server that is exposed: connections to it, and calls on them
 *
 * Dials on its own and stays connected; after a failure waits with jittered exponential
 * back-off (0.5 s to 30 s), which a call cuts short. Calls share a connection up to the
 * server's limit of streams; then more connections are opened, and then calls wait for
 * room. A call that comes while there is no connection waits for one, 5 s at most. A
 * connection that the server is leaving keeps its calls and takes no new ones.
 *
 *   down --dial--> opening --its SETTINGS--> up --lost--> down
 *     \__ back-off ___/ failed
 */
#pragma once

#include <stdbool.h>

struct backend;
struct loop;
struct target;

enum { BACKEND_LINKS_MAX = 16 };

struct backend_config {
    struct loop *loop;       /* borrowed: outlives it */
    const char *name;        /* copied, as every string here */
    const char *address;     /* "HOST:PORT" or "unix:/PATH" */
    const char *ca_file;     /* or NULL */
    const char *pin;         /* or NULL */
    const char *server_name; /* NULL: the address's host */
    bool tls;
    /* It came up or went down. Not from inside a backend_* function. */
    void (*on_change)(void *arg);
    void *arg;
};

/* Starts dialling. */
struct backend *backend_new(const struct backend_config *config);

/* Calls to it end with UNAVAILABLE. NULL is fine; always returns NULL. */
struct backend *backend_free(struct backend *backend);

/* Where calls to it go. Lent. */
struct target *backend_target(struct backend *backend);

bool backend_is_up(const struct backend *backend);

/* Another number each time that it came up, be it after the shortest absence. */
unsigned backend_generation(const struct backend *backend);

/* Why it is not up, for a person; "" while nothing has failed. Lent. */
const char *backend_why(const struct backend *backend);

const char *backend_name(const struct backend *backend);
const char *backend_address(const struct backend *backend);
