/*
 * link_sessions - sessions over links
 *
 * Each owns its link's HTTP/2 connection, asks the agent for its samples, and is the
 * target of calls to it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "hub/link/session.h"
#include "hub/samples/intake.h"

struct conn;
struct h2_window_budget;
struct link_sessions;

/* What links share. Borrowed pointers, all outlive it. */
struct link_sessions_config {
    struct session_pool *sessions;
    uint32_t streams_max;
    struct h2_window_budget *windows; /* as in h2.h */
    size_t header_bytes_max;
    struct intake_shared samples; /* what their samples go into */
};

struct link_sessions *link_sessions_new(const struct link_sessions_config *config);

/* After the last session. NULL is fine; always returns NULL. */
struct link_sessions *link_sessions_free(struct link_sessions *links);

/* Other limits, for links to come. */
void link_sessions_limit(struct link_sessions *links,
                         uint32_t streams_max,
                         size_t header_bytes_max);

/* Takes the conn and adds a session to the pool; driver and arg are set here. */
struct session *link_sessions_add(struct link_sessions *links,
                                  struct conn *conn,
                                  const struct session_config *config);
