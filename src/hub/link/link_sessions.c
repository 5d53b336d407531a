#include "hub/link/link_sessions.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "hub/nodes/node.h"
#include "hub/nodes/offers.h"
#include "hub/samples/sampling.h"
#include "loop/conn.h"
#include "rpc/call.h"
#include "rpc/h2conn.h"

struct link_sessions {
    struct link_sessions_config config;
    struct h2_mem_pool *pool; /* reference: of their HTTP/2 */
};

struct link_session {
    struct link_sessions *links; /* borrowed: outlives us */
    struct session *session;     /* borrowed: it owns us */
    struct h2conn *h2conn;       /* owned */
    struct sampling *sampling;   /* owned; NULL when draining */
    struct offers *offers;       /* owned; NULL when draining */
    bool is_spent; /* it has carried so many calls that another link takes over */
};

/* What open() gets. */
struct opening {
    struct link_sessions *links;
    struct conn *conn;
};

static void on_alive(void *owner, struct h2conn *h2conn) {
    struct link_session *link = owner;
    session_is_alive(link->session);
}

static void on_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct link_session *link = owner;
    session_is_lost(link->session, reason);
}

static void link_leave(void *carrier);

/* The agent dials again when it is left; calls wait for that. */
static void on_room(void *owner, struct h2conn *h2conn) {
    struct link_session *link = owner;

    if (link->is_spent || !h2conn_is_spent(h2conn))
        return;
    link->is_spent = true;
    session_leaves(link->session);
    link_leave(link);
}

static void on_leaving(void *owner, struct h2conn *h2conn) {
    struct link_session *link = owner;
    session_leaves(link->session);
}

static void *link_open(struct session *session, void *arg) {
    struct opening *opening = arg;
    const struct link_sessions_config *shared = &opening->links->config;
    struct link_session *link = mem_new(sizeof(*link));
    struct h2conn_config config = {
        .role = H2_CLIENT,
        .limits = {
            .streams_max = shared->streams_max,
            .window = CALL_PIPE_MAX,
            .windows = shared->windows,
            .pool = opening->links->pool,
            .header_bytes_max = (uint32_t)shared->header_bytes_max,
        },
        .pings = true,
        .on_alive = on_alive,
        .on_room = on_room,
        .on_leaving = on_leaving,
        .on_closed = on_closed,
        .owner = link,
    };

    link->links = opening->links;
    link->session = session;
    link->h2conn = h2conn_new(opening->conn, &config);
    return link;
}

static void link_begin(void *carrier, struct node *node) {
    struct link_session *link = carrier;

    link->sampling =
        sampling_new(&link->links->config.samples, h2conn_target(link->h2conn), node);
    link->offers =
        offers_new(link->links->config.samples.loop, link->links->config.samples.registry,
                   h2conn_target(link->h2conn), node);
}

static struct target *link_target(void *carrier) {
    struct link_session *link = carrier;
    return h2conn_target(link->h2conn);
}

static const char *link_peer(const void *carrier) {
    const struct link_session *link = carrier;
    return conn_peer(h2conn_conn(link->h2conn));
}

static uint64_t link_heard_ms(const void *carrier) {
    const struct link_session *link = carrier;
    return h2conn_heard_ms(link->h2conn);
}

static void link_probe(void *carrier, unsigned limit_ms) {
    struct link_session *link = carrier;
    h2conn_probe(link->h2conn, limit_ms);
}

static void link_leave(void *carrier) {
    struct link_session *link = carrier;

    if (link->sampling)
        sampling_stop(link->sampling);
    link->offers = offers_free(link->offers);
    h2conn_drain(link->h2conn);
}

static void link_quiet(void *carrier) {
    struct link_session *link = carrier;
    link->sampling = sampling_free(link->sampling);
}

static void link_drain(void *carrier) {
    struct link_session *link = carrier;

    link_quiet(carrier);
    link->offers = offers_free(link->offers);
    h2conn_drain(link->h2conn);
}

static void link_free(void *carrier) {
    struct link_session *link = carrier;

    sampling_free(link->sampling);
    offers_free(link->offers);
    h2conn_free(link->h2conn);
    free(link);
}

static const struct session_driver driver = {
    .open = link_open,
    .begin = link_begin,
    .target = link_target,
    .peer = link_peer,
    .heard_ms = link_heard_ms,
    .probe = link_probe,
    .leave = link_leave,
    .quiet = link_quiet,
    .drain = link_drain,
    .free = link_free,
};

struct link_sessions *link_sessions_new(const struct link_sessions_config *config) {
    struct link_sessions *links = mem_new(sizeof(*links));

    links->config = *config;
    links->pool = h2_mem_pool_new();
    return links;
}

struct link_sessions *link_sessions_free(struct link_sessions *links) {
    if (!links)
        return NULL;
    h2_mem_pool_free(links->pool);
    free(links);
    return NULL;
}

void link_sessions_limit(struct link_sessions *links,
                         uint32_t streams_max,
                         size_t header_bytes_max) {
    links->config.streams_max = streams_max;
    links->config.header_bytes_max = header_bytes_max;
}

struct session *link_sessions_add(struct link_sessions *links,
                                  struct conn *conn,
                                  const struct session_config *config) {
    struct opening opening = { .links = links, .conn = conn };
    struct session_config added = *config;

    added.driver = &driver;
    added.arg = &opening;
    added.node->kind = NODE_AGENT;
    return session_pool_add(links->config.sessions, &added);
}
