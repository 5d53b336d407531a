/*
 * session - the live links of nodes
 *
 * A session owns its link's HTTP/2 connection, asks the agent what it is and for its
 * samples, and is the target of calls to the node. A session that was replaced by a newer
 * link of the same agent drains.
 *
 *   held (node->session) --newer link--> draining --calls done or 30 s--> gone
 *     \__ lost, revoked, removed _______________________________________/
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "hub/intake.h"
#include "rpc/link.h"

struct access_token;
struct conn;
struct node;
struct session;
struct session_pool;
struct target;

struct session_config {
    struct node *node; /* borrowed: outlives the session, or session_forget_node() */
    const struct access_token
        *token; /* borrowed: tokens are never freed while the hub runs */
    enum link_transport transport;
    const struct link_hello *hello; /* copied */
    uint64_t generation;
};

/* What sessions share. Borrowed pointers, all outlive it. */
struct session_pool_config {
    struct loop *loop;
    struct registry *registry;
    struct activity *activity;
    uint32_t streams_max;
    size_t header_bytes_max;
    struct intake_shared samples; /* what their samples go into */
};

struct session_pool *session_pool_new(const struct session_pool_config *config);

/* Other limits, for links to come. */
void session_pool_limit(struct session_pool *sessions,
                        uint32_t streams_max,
                        size_t header_bytes_max);

/* Ends every session at once. Always returns NULL. */
struct session_pool *session_pool_free(struct session_pool *sessions);

/* GOAWAY to every agent: they hear what is durable, finish their calls and come back
 * elsewhere. */
void session_pool_drain(struct session_pool *sessions);

size_t session_pool_count(const struct session_pool *sessions);

/* Takes the conn; the node is online from now on, an older session of it drains. */
struct session *session_pool_add(struct session_pool *sessions,
                                 struct conn *conn,
                                 const struct session_config *config);

/* Ends every session that was let in by the token; why is for the activity. */
void session_pool_revoke(struct session_pool *sessions,
                         const struct access_token *token,
                         const char *why);

/* Calls visit for each session that holds its node. */
void session_pool_each(struct session_pool *sessions,
                       void (*visit)(void *arg, struct session *session),
                       void *arg);

/* Ends the session of the node now (it is being removed or its token was revoked). */
void session_close(struct session *session, const char *why);

/*
 * Asks the peer for a sign of life and tells later, once: true as soon as it comes, false
 * when it has not after limit_ms. Returns false when somebody asks already: the session
 * counts as alive meanwhile.
 */
bool session_probe(struct session *session,
                   unsigned limit_ms,
                   void (*on_answer)(void *arg, bool alive),
                   void *arg);

/* No answer is wanted any more. */
void session_probe_cancel(struct session *session, void *arg);

struct target *session_target(struct session *session);
const char *session_instance(const struct session *session);
struct node *session_node(const struct session *session);
