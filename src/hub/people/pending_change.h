/*
 * pending_change - a change of users that is being kept
 *
 * It holds in memory at once; who asked hears of it when it is durable, if he still
 * waits.
 */
#pragma once

#include <stdint.h>

#include "base/token.h"

struct invocation;
struct service_users;

struct pending_change {
    struct service_users *service; /* borrowed: outlives the store's answers */
    struct invocation *invocation; /* borrowed: until it is gone; NULL: nobody waits */
    char *user;                    /* owned */
    char *nodes;                   /* owned: of a grant */
    uint32_t revoked;
    int64_t expires_ms;
    char code[TOKEN_CLAIM_LEN + 1]; /* "": none */
    void (*answer)(struct pending_change *change);
};

/* The answer is given when it is kept; somebody still waits then. */
struct pending_change *pending_change_new(struct service_users *service,
                                          struct invocation *invocation,
                                          const char *user,
                                          void (*answer)(struct pending_change *change));

/* The store's answer, a store_done: ends the call and frees the change. */
void pending_change_kept(void *change, int result);

/* What the store said to the question: it will not answer if that is an error. */
void pending_change_asked(struct pending_change *change, int result);
