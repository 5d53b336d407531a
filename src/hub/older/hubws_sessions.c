#include "hub/older/hubws_sessions.h"

#include <stdlib.h>

#include "base/mem.h"
#include "dialect/hubws.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "loop/loop.h"

struct hubws_sessions {
    struct hubws_sessions_config config;
    struct task sweep;
};

struct carrier {
    struct hubws_sessions *shared; /* borrowed: outlives us */
    struct session *session;       /* borrowed: it owns us */
    struct hubws *hubws;           /* owned */
};

/* What open() gets. */
struct opening {
    struct hubws_sessions *shared;
    struct conn *conn;
};

static void on_alive(void *owner) {
    struct carrier *carrier = owner;
    session_is_alive(carrier->session);
}

static void on_closed(void *owner, int reason) {
    struct carrier *carrier = owner;
    session_is_lost(carrier->session, reason);
}

static void *carrier_open(struct session *session, void *arg) {
    struct opening *opening = arg;
    struct carrier *carrier = mem_new(sizeof(*carrier));
    struct hubws_config config = {
        .header_bytes_max = opening->shared->config.header_bytes_max,
        .on_alive = on_alive,
        .on_closed = on_closed,
        .owner = carrier,
    };

    carrier->shared = opening->shared;
    carrier->session = session;
    carrier->hubws = hubws_new(opening->conn, &config);
    return carrier;
}

/* It has nothing to be asked for. */
static void carrier_begin(void *carrier, struct node *node) {
    (void)carrier;
    (void)node;
}

static struct target *carrier_target(void *arg) {
    struct carrier *carrier = arg;
    return hubws_target(carrier->hubws);
}

static const char *carrier_peer(const void *arg) {
    const struct carrier *carrier = arg;
    return hubws_peer(carrier->hubws);
}

static uint64_t carrier_heard_ms(const void *arg) {
    const struct carrier *carrier = arg;
    return hubws_heard_ms(carrier->hubws);
}

static void carrier_probe(void *arg, unsigned limit_ms) {
    struct carrier *carrier = arg;
    hubws_probe(carrier->hubws, limit_ms);
}

static void carrier_drain(void *arg) {
    struct carrier *carrier = arg;
    hubws_drain(carrier->hubws);
}

/* The session goes out of its node first: its node is looked for afterwards. */
static void carrier_free(void *arg) {
    struct carrier *carrier = arg;

    hubws_free(carrier->hubws);
    hubws_sessions_sweep(carrier->shared);
    free(carrier);
}

static const struct session_driver driver = {
    .open = carrier_open,
    .begin = carrier_begin,
    .target = carrier_target,
    .peer = carrier_peer,
    .heard_ms = carrier_heard_ms,
    .probe = carrier_probe,
    .leave = carrier_drain,
    .drain = carrier_drain,
    .free = carrier_free,
};

static struct node *find_left(struct registry *registry) {
    struct node *node;

    for (size_t at = 0; (node = registry_next(registry, &at));)
        if (node->anonymous && !node->session)
            return node;
    return NULL;
}

/* Forgets the nodes without a credential that have left. */
static void run_sweep(struct task *task) {
    struct hubws_sessions *shared = container_of(task, struct hubws_sessions, sweep);
    struct registry *registry = shared->config.registry;
    struct node *node;

    while ((node = find_left(registry)))
        registry_remove(registry, node);
}

struct hubws_sessions *hubws_sessions_new(const struct hubws_sessions_config *config) {
    struct hubws_sessions *shared = mem_new(sizeof(*shared));

    shared->config = *config;
    shared->sweep.run = run_sweep;
    return shared;
}

struct hubws_sessions *hubws_sessions_free(struct hubws_sessions *shared) {
    if (shared)
        loop_cancel(&shared->sweep);
    free(shared);
    return NULL;
}

void hubws_sessions_limit(struct hubws_sessions *shared, size_t header_bytes_max) {
    shared->config.header_bytes_max = header_bytes_max;
}

struct session *hubws_sessions_add(struct hubws_sessions *shared,
                                   struct conn *conn,
                                   const struct session_config *config) {
    struct opening opening = { .shared = shared, .conn = conn };
    struct session_config added = *config;

    added.driver = &driver;
    added.arg = &opening;
    added.node->kind = NODE_SERVICE;
    return session_pool_add(shared->config.sessions, &added);
}

void hubws_sessions_sweep(struct hubws_sessions *shared) {
    loop_post(shared->config.loop, &shared->sweep);
}
