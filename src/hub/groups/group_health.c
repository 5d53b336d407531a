#include "hub/groups/group_health.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "grpc/health.pb-c.h"
#include "hub/link/session.h"
#include "hub/nodes/node.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/client.h"
#include "wire/pb.h"

struct group_health {
    struct loop *loop;   /* borrowed: outlives it */
    struct map *watches; /* owned; "NODE SERVICE" -> owned struct health_watch */
    struct timer sweep;  /* runs while something is watched */
};

/* One service on one node. */
struct health_watch {
    struct group_health *health; /* borrowed: outlives it */
    struct client_call *client;  /* owned; NULL between two streams */
    char *key;                   /* owned */
    uint64_t used_ms;
    uint64_t retry_ms;
    uint64_t generation; /* of the session that was asked */
    bool is_unknown;     /* that session does not know health */
    bool is_down;
};

static void watch_free(struct health_watch *watch) {
    client_cancel(watch->client);
    free(watch->key);
    free(watch);
}

static void on_message(void *user, struct slice bytes) {
    struct health_watch *watch = user;
    ProtobufCMessage *message = NULL;

    if (pb_unpack(&grpc__health__v1__health_check_response__descriptor, bytes,
                  &message) != 0)
        return;
    watch->is_down = ((const Grpc__Health__V1__HealthCheckResponse *)message)->status ==
                     GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
    pb_free(message);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct health_watch *watch = user;

    watch->client = NULL;
    watch->is_down = false;
    watch->is_unknown = status == GRPC_UNIMPLEMENTED;
    watch->retry_ms = loop_now_ms(watch->health->loop) + GROUP_HEALTH_RETRY_MS;
}

static void start(struct health_watch *watch,
                  const struct node *node,
                  const char *service) {
    static const struct client_events events = { .on_message = on_message,
                                                 .on_done = on_done };
    struct client_request request = { .method = "/grpc.health.v1.Health/Watch" };
    Grpc__Health__V1__HealthCheckRequest asked =
        GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    watch->generation = node->generation;
    watch->is_unknown = false;
    watch->client = client_start(watch->health->loop, session_target(node->session),
                                 &request, &events, watch);
    asked.service = pb_lend(service);
    client_send(watch->client, &asked.base);
    client_end(watch->client);
}

static bool is_due(const struct health_watch *watch,
                   const struct node *node,
                   uint64_t now_ms) {
    if (watch->client)
        return false;
    return watch->generation != node->generation ||
           (!watch->is_unknown && now_ms >= watch->retry_ms);
}

/* Ends what nobody asked for lately. */
static void on_sweep(struct timer *timer) {
    struct group_health *health = container_of(timer, struct group_health, sweep);
    uint64_t now_ms = loop_now_ms(health->loop);
    struct map *kept = map_new();
    struct health_watch *watch;
    size_t at = 0;

    while ((watch = map_next(health->watches, &at, NULL))) {
        if (now_ms - watch->used_ms < GROUP_HEALTH_IDLE_MS)
            map_put(kept, watch->key, watch);
        else
            watch_free(watch);
    }
    map_free(health->watches);
    health->watches = kept;
    if (map_count(kept) > 0)
        timer_start(health->loop, timer, GROUP_HEALTH_IDLE_MS / 2);
}

struct group_health *group_health_new(struct loop *loop) {
    struct group_health *health = mem_new(sizeof(*health));

    *health = (struct group_health) {
        .loop = loop,
        .watches = map_new(),
        .sweep.fire = on_sweep,
    };
    return health;
}

struct group_health *group_health_free(struct group_health *health) {
    struct health_watch *watch;
    size_t at = 0;

    if (!health)
        return NULL;
    timer_stop(&health->sweep);
    while ((watch = map_next(health->watches, &at, NULL)))
        watch_free(watch);
    map_free(health->watches);
    free(health);
    return NULL;
}

/* The watch of that key, a new one at first; NULL when there are too many. */
static struct health_watch *watch_of(struct group_health *health, const char *key) {
    struct health_watch *watch = map_get(health->watches, key);

    if (watch || map_count(health->watches) >= GROUP_HEALTH_MAX)
        return watch;
    watch = mem_new(sizeof(*watch));
    watch->health = health;
    watch->key = mem_strdup(key);
    map_put(health->watches, key, watch);
    if (!timer_is_running(&health->sweep))
        timer_start(health->loop, &health->sweep, GROUP_HEALTH_IDLE_MS / 2);
    return watch;
}

bool group_health_is_serving(struct group_health *health,
                             const struct node *node,
                             const char *service) {
    auto_(mem_freep) char *key = mem_printf("%s %s", node->name, service);
    struct health_watch *watch = watch_of(health, key);
    uint64_t now_ms = loop_now_ms(health->loop);

    if (!watch)
        return true;
    watch->used_ms = now_ms;
    if (is_due(watch, node, now_ms))
        start(watch, node, service);
    return !watch->is_down;
}
