#include "hub/session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/activity.h"
#include "hub/registry.h"
#include "hub/sampling.h"
#include "loop/conn.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/h2conn.h"

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
    const struct access_token *token; /* borrowed: access */
    struct h2conn *h2conn;            /* owned */
    struct sampling *sampling;        /* owned; NULL when draining */
    struct timer drain;
    struct timer probe;
    char *instance; /* owned */
    uint64_t generation;
    void (*on_answer)(void *arg, bool alive);
    void *answer_arg; /* borrowed: whoever probes */
};

static void destroy(struct session *session) {
    sampling_free(session->sampling);
    timer_stop(&session->drain);
    timer_stop(&session->probe);
    list_remove(&session->node_in_list);
    session->sessions->count--;
    h2conn_free(session->h2conn);
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
    uint64_t silent =
        loop_now_ms(session->sessions->config.loop) - h2conn_heard_ms(session->h2conn);
    return clock_wall_ms() - (int64_t)silent;
}

/* The node has no link any more; only the session that holds it says so. */
static void take_offline(struct session *session, const char *why) {
    struct node *node = TAKE(session->node);

    if (!node)
        return;
    assert(node->session == session);
    node->session = NULL;
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

static void on_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct session *session = owner;

    take_offline(session, text_of(reason));
    answer_probe(session, false);
    destroy(session);
}

static void on_drained(struct timer *timer) {
    destroy(container_of(timer, struct session, drain));
}

/* A newer link of the same agent took over: calls under way may finish here. */
static void drain(struct session *session) {
    session->node = NULL;
    session->sampling = sampling_free(session->sampling);
    answer_probe(session, true);
    h2conn_drain(session->h2conn);
    timer_start(session->sessions->config.loop, &session->drain, DRAIN_MS);
}

static void on_alive(void *owner, struct h2conn *h2conn) {
    answer_probe(owner, true);
}

static void on_probe_end(struct timer *timer) {
    struct session *session = container_of(timer, struct session, probe);

    take_offline(session, "no sign of life when another instance asked for the name");
    answer_probe(session, false);
    destroy(session);
}

struct session_pool *session_pool_new(const struct session_pool_config *config) {
    struct session_pool *sessions = mem_new(sizeof(*sessions));

    sessions->config = *config;
    list_init(&sessions->list);
    return sessions;
}

void session_pool_limit(struct session_pool *sessions,
                        uint32_t streams_max,
                        size_t header_bytes_max) {
    sessions->config.streams_max = streams_max;
    sessions->config.header_bytes_max = header_bytes_max;
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

void session_pool_drain(struct session_pool *sessions) {
    list_for_each_safe(at, after, &sessions->list) {
        struct session *session = container_of(at, struct session, node_in_list);
        if (session->sampling)
            sampling_stop(session->sampling);
        h2conn_drain(session->h2conn);
    }
}

size_t session_pool_count(const struct session_pool *sessions) {
    return sessions->count;
}

static void take_node(struct session *session, const struct session_config *config) {
    struct node *node = config->node;
    struct session *older = node->session;

    node->session = session;
    node->generation = config->generation;
    node->online_since_ms = clock_wall_ms();
    node->last_seen_ms = node->online_since_ms;
    node_set(&node->instance, config->hello->instance);
    node_set(&node->version, config->hello->version);
    node_set(&node->capabilities, config->hello->capabilities);
    node_set(&node->address, conn_peer(h2conn_conn(session->h2conn)));
    node_set(&node->transport, link_transport_name(config->transport));
    if (older)
        drain(older);
    activity_add(session->sessions->config.activity, "node.registered", node->name, "",
                 "%s from %s by %s%s%s", older ? "dialled in again" : "came online",
                 node->address, node->transport, node->version[0] ? ", version " : "",
                 node->version);
    registry_changed(session->sessions->config.registry, node);
}

struct session *session_pool_add(struct session_pool *sessions,
                                 struct conn *conn,
                                 const struct session_config *config) {
    struct session *session = mem_new(sizeof(*session));
    struct h2conn_config link = {
        .role = H2_CLIENT,
        .limits = {
            .streams_max = sessions->config.streams_max,
            .window = 65536,
            .header_bytes_max = (uint32_t)sessions->config.header_bytes_max,
        },
        .pings = true,
        .on_alive = on_alive,
        .on_closed = on_closed,
        .owner = session,
    };

    *session = (struct session) {
        .sessions = sessions,
        .node = config->node,
        .token = config->token,
        .drain.fire = on_drained,
        .probe.fire = on_probe_end,
        .instance = mem_strdup(config->hello->instance),
        .generation = config->generation,
    };
    session->h2conn = h2conn_new(conn, &link);
    list_add_tail(&sessions->list, &session->node_in_list);
    sessions->count++;
    take_node(session, config);
    session->sampling = sampling_new(&sessions->config.samples,
                                     h2conn_target(session->h2conn), session->node);
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
    h2conn_probe(session->h2conn, 2 * limit_ms);
    timer_start(session->sessions->config.loop, &session->probe, limit_ms);
    return true;
}

void session_probe_cancel(struct session *session, void *arg) {
    if (session->on_answer && session->answer_arg == arg)
        session->on_answer = NULL;
}

struct target *session_target(struct session *session) {
    return h2conn_target(session->h2conn);
}

const char *session_instance(const struct session *session) {
    return session->instance;
}

struct node *session_node(const struct session *session) {
    return session->node;
}
