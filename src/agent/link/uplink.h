/*
 * uplink - keeps a link to the hub, whatever happens
 *
 * Tries the hub's addresses in order, on each the transport that worked last and then the
 * other; after a failure waits with jittered exponential back-off (0.5 s to 60 s). A
 * wrong key is reported with both pins and tried again every 60 s: no credential is sent.
 *
 *   waiting --timer--> dialling --ready--> linked --lost--> waiting
 *      \______ refused, unreached, no upgrade ________/
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rpc/link.h"

struct h2_window_budget;
struct identity;
struct loop;
struct target;
struct uplink;

enum { UPLINK_BACKOFF_MIN_MS = 500, UPLINK_BACKOFF_MAX_MS = 60000 };

enum uplink_trouble {
    UPLINK_UNREACHED, /* nobody there, or no TLS: try again */
    UPLINK_MISMATCH,  /* another key than the pinned one */
    UPLINK_REFUSED,   /* the hub said no; error tells why */
    UPLINK_LOST,      /* a live link ended */
};

struct uplink_config {
    const struct identity
        *identity;             /* borrowed: outlives the uplink; may change, see below */
    struct target *target;     /* borrowed: where calls of the hub go */
    const char *proxy;         /* borrowed: "http://..."; NULL: from the environment */
    const char *ca_file;       /* borrowed: instead of the system's CAs; or NULL */
    const char *sessions_path; /* borrowed: TLS sessions over restarts; or NULL */
    const char *capabilities;  /* borrowed */
    const char *root; /* where the host's "/" is seen; borrowed; NULL: where it is */
    unsigned backoff_max_ms;
    uint32_t streams_max;             /* of the hub on a link */
    struct h2_window_budget *windows; /* borrowed: as in h2.h */
    bool join; /* one round to exchange a join token: on_joined or on_gave_up ends it */
    /* The link is there; on the name and transport. */
    void (*on_linked)(void *arg, const char *name, enum link_transport transport);
    /* Told once a failure, for logs and exit decisions. error is LINK_ERROR_* or "". */
    void (*on_trouble)(void *arg,
                       enum uplink_trouble trouble,
                       const char *error,
                       const char *message);
    void (*on_joined)(void *arg, const char *name, const char *credential);
    void (*on_gave_up)(void *arg);
    void *arg;
};

/* Starts dialling. Copies the config. -errno when the CA file cannot be read. */
int uplink_new(struct loop *loop,
               const struct uplink_config *config,
               struct uplink **ret_uplink);

/* Graceful end: GOAWAY, calls may finish for limit_ms, then on_ended. */
void uplink_finish(struct uplink *uplink,
                   unsigned limit_ms,
                   void (*on_ended)(void *arg),
                   void *arg);

/* Always returns NULL. */
struct uplink *uplink_free(struct uplink *uplink);

/* The pins changed: new connections use them. */
void uplink_retrust(struct uplink *uplink);

/* The identity is another one: a link of the old one ends, and it is tried at once. */
void uplink_renew(struct uplink *uplink);

/* Other settings, for connections to come; proxy is borrowed as in the config. */
void uplink_tune(struct uplink *uplink,
                 const char *proxy,
                 unsigned backoff_max_ms,
                 uint32_t streams_max);

/* The next wait of a back-off: doubles up to max, with jitter of half. random is any
 * number. */
unsigned uplink_next_wait(unsigned *step_ms, unsigned max_ms, uint32_t random);
