/*
 * hubws_sessions - sessions of servers of the older hub
 *
 * Each owns the server's WebSocket and is the target of calls to it. Its node offers
 * services and no samples. A node that was let in without a credential is forgotten when
 * its session ends.
 */
#pragma once

#include <stddef.h>

#include "hub/link/session.h"

struct conn;
struct hubws_sessions;

/* What they share. Borrowed pointers, all outlive it. */
struct hubws_sessions_config {
    struct loop *loop;
    struct session_pool *sessions;
    struct registry *registry;
    size_t header_bytes_max;
};

struct hubws_sessions *hubws_sessions_new(const struct hubws_sessions_config *config);

/* After the last session. NULL is fine; always returns NULL. */
struct hubws_sessions *hubws_sessions_free(struct hubws_sessions *hubws);

/* Another limit, for sessions to come. */
void hubws_sessions_limit(struct hubws_sessions *hubws, size_t header_bytes_max);

/* Takes the conn of an accepted handshake and adds a session to the pool; driver and arg
 * are set here. */
struct session *hubws_sessions_add(struct hubws_sessions *hubws,
                                   struct conn *conn,
                                   const struct session_config *config);

/* Forgets, later, nodes without a credential that have no session. */
void hubws_sessions_sweep(struct hubws_sessions *hubws);
