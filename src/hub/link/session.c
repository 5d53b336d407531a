#include "hub/link/session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/nodes/registry.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/link.h"

enum { DRAIN_MS = 30000 }; /* what calls on a replaced link get to finish */

struct session_pool {
    struct session_pool_config config;
    struct list list;
    size_t count;
};

struct session {
    struct list node_in_list;
    struct session_pool *sessions; /* borrowed: outlives us */
    struct node *node; /* borrowed: the registry; NULL once another session holds it */
    const struct access_token *token;    /* borrowed: access */
    const struct session_driver *driver; /* borrowed: static */
    void *carrier;                       /* owned: the driver's */
    struct timer drain;
    struct timer probe;
    char *instance; /* owned */
    uint64_t generation;
    bool leaving; /* the peer said so */
    void (*on_answer)(void *arg, bool alive);
    void *answer_arg; /* borrowed: whoever probes */
};

static void destroy(struct session *session) {
    timer_stop(&session->drain);
    timer_stop(&session->probe);
    list_remove(&session->node_in_list);
    session->sessions->count--;
    session->driver->free(session->carrier);
    free(session->instance);
    free(session);
}

/* Answers whoever asked for a sign of life. */
static void answer_probe(struct session *session, bool alive) {
    void (*on_answer)(void *, bool) = session->on_answer;

    session->on_answer = NULL;
    timer_stop(&session->probe);
    if (on_answer)
        on_answer(session->answer_arg, alive);
}

/* When the peer was last heard, in wall time. */
static int64_t heard_wall_ms(const struct session *session) {
    uint64_t heard_ms = session->driver->heard_ms(session->carrier);
    uint64_t silent = loop_now_ms(session->sessions->config.loop) - heard_ms;
    return clock_wall_ms() - (int64_t)silent;
}

/* The node has no link any more; only the session that holds it says so. */
static void take_offline(struct session *session, const char *why) {
    struct node *node = TAKE(session->node);

    if (!node)
        return;
    assert(node->session == session);
    node->session = NULL;
    node_set(&node->ended, why);
    node->last_seen_ms = heard_wall_ms(session);
    activity_add(session->sessions->config.activity, "node.unregistered", node->name, "",
                 "went offline: %s", why);
    registry_changed(session->sessions->config.registry, node);
}

static const char *text_of(int reason) {
    switch (reason) {
    case 0:
        return "the agent ended the link";
    case -ETIMEDOUT:
        return "no sign of life";
    case -ECONNRESET:
        return "the connection was reset";
    case -EPROTO:
        return "the agent broke the protocol";
    default:
        return strerror(-reason);
    }
}

void session_is_lost(struct session *session, int reason) {
    take_offline(session, text_of(reason));
    answer_probe(session, false);
    destroy(session);
}

static void on_drained(struct timer *timer) {
    destroy(container_of(timer, struct session, drain));
}

/* A newer session of the same instance took over: calls under way may finish here. */
static void drain(struct session *session) {
    session->node = NULL;
    answer_probe(session, true);
    session->driver->drain(session->carrier);
    timer_start(session->sessions->config.loop, &session->drain, DRAIN_MS);
}

void session_is_alive(struct session *session) {
    answer_probe(session, true);
}

static void on_probe_end(struct timer *timer) {
    struct session *session = container_of(timer, struct session, probe);

    take_offline(session, "no sign of life when another instance asked for the name");
    answer_probe(session, false);
    destroy(session);
}

void session_leaves(struct session *session) {
    session->leaving = true;
    if (session->node)
        session->node->leaving_ms = loop_now_ms(session->sessions->config.loop);
}

bool session_is_leaving(const struct session *session) {
    return session->leaving;
}

struct session_pool *session_pool_new(const struct session_pool_config *config) {
    struct session_pool *sessions = mem_new(sizeof(*sessions));

    sessions->config = *config;
    list_init(&sessions->list);
    return sessions;
}

struct session_pool *session_pool_free(struct session_pool *sessions) {
    if (!sessions)
        return NULL;
    list_for_each_safe(at, after, &sessions->list) {
        struct session *session = container_of(at, struct session, node_in_list);
        take_offline(session, "the hub stops");
        destroy(session);
    }
    free(sessions);
    return NULL;
}

void session_pool_quiet(struct session_pool *sessions) {
    list_for_each_safe(at, after, &sessions->list) {
        struct session *session = container_of(at, struct session, node_in_list);
        if (session->driver->quiet)
            session->driver->quiet(session->carrier);
    }
}

void session_pool_drain(struct session_pool *sessions) {
    list_for_each_safe(at, after, &sessions->list) {
        struct session *session = container_of(at, struct session, node_in_list);
        session->driver->leave(session->carrier);
    }
}

size_t session_pool_count(const struct session_pool *sessions) {
    return sessions->count;
}

static void take_node(struct session *session, const struct session_config *config) {
    struct node *node = config->node;
    struct session *older = node->session;

    node->session = session;
    node->leaving_ms = 0;
    node->tells_services = false;
    node->was_online = false;
    node->generation = config->generation;
    node->online_since_ms = clock_wall_ms();
    node->last_seen_ms = node->online_since_ms;
    node_set(&node->instance, config->hello->instance);
    node_set(&node->version, config->hello->version);
    node_set(&node->capabilities, config->hello->capabilities);
    if (config->hello->networks)
        node_set(&node->networks, config->hello->networks);
    node_set(&node->address, session->driver->peer(session->carrier));
    node_set(&node->transport, config->transport);
    if (older)
        drain(older);
    activity_add(session->sessions->config.activity, "node.registered", node->name, "",
                 "%s from %s by %s%s%s", older ? "dialled in again" : "came online",
                 node->address, node->transport, node->version[0] ? ", version " : "",
                 node->version);
    registry_changed(session->sessions->config.registry, node);
}

struct session *session_pool_add(struct session_pool *sessions,
                                 const struct session_config *config) {
    struct session *session = mem_new(sizeof(*session));

    *session = (struct session) {
        .sessions = sessions,
        .node = config->node,
        .token = config->token,
        .driver = config->driver,
        .drain.fire = on_drained,
        .probe.fire = on_probe_end,
        .instance = mem_strdup(config->hello->instance),
        .generation = config->generation,
    };
    session->carrier = session->driver->open(session, config->arg);
    list_add_tail(&sessions->list, &session->node_in_list);
    sessions->count++;
    take_node(session, config);
    session->driver->begin(session->carrier, session->node);
    return session;
}

void session_pool_revoke(struct session_pool *sessions,
                         const struct access_token *token,
                         const char *why) {
    list_for_each_safe(at, after, &sessions->list) {
        struct session *session = container_of(at, struct session, node_in_list);
        if (session->token == token)
            session_close(session, why);
    }
}

void session_pool_each(struct session_pool *sessions,
                       void (*visit)(void *arg, struct session *session),
                       void *arg) {
    list_for_each_safe(at, after, &sessions->list) {
        struct session *session = container_of(at, struct session, node_in_list);
        if (session->node)
            visit(arg, session);
    }
}

void session_close(struct session *session, const char *why) {
    take_offline(session, why);
    answer_probe(session, false);
    destroy(session);
}

bool session_probe(struct session *session,
                   unsigned limit_ms,
                   void (*on_answer)(void *arg, bool alive),
                   void *arg) {
    if (session->on_answer)
        return false;
    session->on_answer = on_answer;
    session->answer_arg = arg;
    session->driver->probe(session->carrier, 2 * limit_ms);
    timer_start(session->sessions->config.loop, &session->probe, limit_ms);
    return true;
}

void session_probe_cancel(struct session *session, void *arg) {
    if (session->on_answer && session->answer_arg == arg)
        session->on_answer = NULL;
}

struct target *session_target(struct session *session) {
    return session->driver->target(session->carrier);
}

const char *session_instance(const struct session *session) {
    return session->instance;
}

struct node *session_node(const struct session *session) {
    return session->node;
}
