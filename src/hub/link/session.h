/*
 * session - the live connections of nodes
 *
 * A session is one live connection of a node, whatever protocol it speaks: a driver
 * carries it (link_sessions.h for links; others for dialects), and is the target of calls
 * to the node. A session that was replaced by a newer one of the same instance drains.
 *
 *   held (node->session) --newer session--> draining --calls done or 30 s--> gone
 *     \__ lost, revoked, removed _________________________________________/
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct access_token;
struct activity;
struct link_hello;
struct loop;
struct node;
struct registry;
struct session;
struct session_pool;
struct target;

/*
 * What carries a session. open() is called first and makes what the others are given;
 * free() last. None but open() and begin() is called from inside a function of the
 * driver's own.
 */
struct session_driver {
    void *(*open)(struct session *session, void *arg);
    /* The session holds its node now, and the older one drains: ask it what it offers. */
    void (*begin)(void *carrier, struct node *node);
    /* Where calls to the node go. Lent. */
    struct target *(*target)(void *carrier);
    /* The peer's address, for people. Lent. */
    const char *(*peer)(const void *carrier);
    /* Loop time of the last received bytes. */
    uint64_t (*heard_ms)(const void *carrier);
    /* Asks for a sign of life: session_is_alive() follows, or session_is_lost(). */
    void (*probe)(void *carrier, unsigned limit_ms);
    /* The hub goes away: the peer hears what is durable, finishes its calls and leaves.
     */
    void (*leave)(void *carrier);
    /* Takes no more samples: another process does. Calls go on. May be NULL. */
    void (*quiet)(void *carrier);
    /* Another session took over: calls under way may finish, nothing else goes on. */
    void (*drain)(void *carrier);
    /* Ends everything at once. */
    void (*free)(void *carrier);
};

struct session_config {
    struct node *node;                /* borrowed: outlives the session that holds it */
    const struct access_token *token; /* borrowed: tokens are never freed while the hub
                                         runs; NULL: nobody let it in by a token */
    const char *transport;            /* copied: "ptth", "ws" */
    const struct link_hello *hello;   /* copied: instance, version, capabilities */
    uint64_t generation;
    const struct session_driver *driver; /* borrowed: static */
    void *arg;                           /* for open() */
};

/* What sessions share. Borrowed pointers, all outlive it. */
struct session_pool_config {
    struct loop *loop;
    struct registry *registry;
    struct activity *activity;
};

struct session_pool *session_pool_new(const struct session_pool_config *config);

/* Ends every session at once. Always returns NULL. */
struct session_pool *session_pool_free(struct session_pool *sessions);

/* Takes no more samples of anybody; calls go on. */
void session_pool_quiet(struct session_pool *sessions);

/* Tells every peer that the hub goes away. */
void session_pool_drain(struct session_pool *sessions);

size_t session_pool_count(const struct session_pool *sessions);

/* The node is online from now on, an older session of it drains. */
struct session *session_pool_add(struct session_pool *sessions,
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

/* For drivers: the connection is over, for that reason (as in conn.h); the session and
 * what carries it are gone. Later, never from inside a function of the driver. */
void session_is_lost(struct session *session, int reason);

/* For drivers: the peer goes away in peace; a newer session of it may come at once. */
void session_leaves(struct session *session);

/* Has the peer said so? Calls had better wait for its next session. */
bool session_is_leaving(const struct session *session);

/* For drivers: the sign of life that was asked for has come. */
void session_is_alive(struct session *session);
