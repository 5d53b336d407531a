#include "hub/activity/traffic_query.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hub/activity/traffic.h"
#include "hub/nodes/node.h"
#include "hub/nodes/selection.h"
#include "roost/v1/activity.pb-c.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "store/store.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    LIMIT_USUAL = 1000,
    LIMIT_MAX = 10000,
    MINUTE_MS = 60000,
    HOUR_MS = 3600000,
};

/* A question that waits for the store. */
struct asking {
    struct invocation *invocation; /* borrowed: until on_gone; NULL when nobody waits */
};

static void sum_init(Roost__V1__TrafficSum *message,
                     Google__Protobuf__Timestamp *time,
                     const struct store_traffic *sum) {
    roost__v1__traffic_sum__init(message);
    message->time = timestamp_set(time, sum->time_ms);
    message->node = pb_lend(sum->node);
    message->caller = pb_lend(sum->caller);
    message->method = pb_lend(sum->method);
    message->calls = sum->calls;
    message->errors = sum->errors;
    message->duration_us = sum->duration_us;
    message->longest_us = sum->longest_us;
    message->p50_us = durations_quantile(&sum->durations, 0.5);
    message->p99_us = durations_quantile(&sum->durations, 0.99);
    message->request_bytes = sum->request_bytes;
    message->reply_bytes = sum->reply_bytes;
    if (message->p50_us > sum->longest_us) /* a class is wider than what is in it */
        message->p50_us = sum->longest_us;
    if (message->p99_us > sum->longest_us)
        message->p99_us = sum->longest_us;
}

static void reply(struct invocation *invocation,
                  const struct store_traffic *sums,
                  size_t count,
                  bool is_cut) {
    Roost__V1__TrafficResponse response = ROOST__V1__TRAFFIC_RESPONSE__INIT;
    Roost__V1__TrafficSum *parts = mem_new_array(count, sizeof(*parts));
    Google__Protobuf__Timestamp *times = mem_new_array(count, sizeof(*times));

    response.sums = mem_new_array(count, sizeof(*response.sums));
    response.n_sums = count;
    response.truncated = is_cut;
    for (size_t i = 0; i < count; i++) {
        sum_init(&parts[i], &times[i], &sums[i]);
        response.sums[i] = &parts[i];
    }
    invocation_reply(invocation, &response.base);
    free(response.sums);
    free(times);
    free(parts);
}

static void on_gone(struct invocation *invocation, void *user) {
    struct asking *asking = user;
    asking->invocation = NULL;
}

static void on_sums(
    void *arg, int result, const struct store_traffic *sums, size_t count, bool is_cut) {
    struct asking *asking = arg;
    struct invocation *invocation = asking->invocation;

    free(asking);
    if (!invocation)
        return;
    invocation_set_user(invocation, NULL, NULL);
    if (result == 0)
        reply(invocation, sums, count, is_cut);
    else
        invocation_finish(invocation, GRPC_UNAVAILABLE, "the hub's store cannot be read");
}

static unsigned read_by(const Roost__V1__TrafficRequest *request) {
    unsigned by = 0;

    for (size_t i = 0; i < request->n_by; i++) {
        if (request->by[i] == ROOST__V1__TRAFFIC_BY__TRAFFIC_BY_NODE)
            by |= STORE_BY_NODE;
        else if (request->by[i] == ROOST__V1__TRAFFIC_BY__TRAFFIC_BY_CALLER)
            by |= STORE_BY_CALLER;
        else if (request->by[i] == ROOST__V1__TRAFFIC_BY__TRAFFIC_BY_METHOD)
            by |= STORE_BY_METHOD;
    }
    return by;
}

static int64_t floor_minute(int64_t time_ms) {
    return time_ms - time_ms % MINUTE_MS;
}

static struct store_traffic_query read_query(const Roost__V1__TrafficRequest *request) {
    int64_t now_ms = clock_wall_ms();
    struct store_traffic_query query = {
        .since_ms = request->since ? timestamp_get(request->since) : now_ms - HOUR_MS,
        .until_ms = timestamp_get(request->until),
        .step_ms = (int64_t)request->step_s * 1000,
        .caller = request->caller,
        .method = request->method,
        .by = read_by(request),
        .limit = request->limit == 0          ? LIMIT_USUAL
                 : request->limit > LIMIT_MAX ? LIMIT_MAX
                                              : request->limit,
    };

    query.since_ms = floor_minute(query.since_ms);
    query.step_ms = floor_minute(query.step_ms);
    return query;
}

/* The nodes that are asked for, or all that the actor may see: an array to free. False:
 * the call is finished, for there is no such node. */
static bool take_nodes(const struct traffic_query_shared *shared,
                       struct invocation *invocation,
                       const char *select,
                       struct store_traffic_query *query,
                       const char ***ret_names) {
    const struct actor *actor = invocation_call(invocation)->actor;
    struct node **nodes = NULL;
    size_t count = 0;

    if (*select == '\0' && actor_is_admin(actor))
        return true;
    if (!selection_find(shared->registry, invocation, select, &nodes, &count))
        return false;
    const char **names = mem_new_array(count, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = nodes[i]->name;
    free(nodes);
    query->is_limited = true;
    query->nodes = names;
    query->node_count = count;
    *ret_names = names;
    return true;
}

static bool check(struct invocation *invocation,
                  const Roost__V1__TrafficRequest *request) {
    if (request->step_s > 0 && (request->step_s < 60 || request->step_s % 60 != 0))
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "step_s: whole minutes, such as 60 or 3600");
    else if (request->until &&
             timestamp_get(request->until) <= timestamp_get(request->since))
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "until: after since, or there is nothing between");
    else
        return true;
    return false;
}

void traffic_query_run(const struct traffic_query_shared *shared,
                       struct invocation *invocation,
                       const ProtobufCMessage *message) {
    const Roost__V1__TrafficRequest *request = (const Roost__V1__TrafficRequest *)message;
    struct store_traffic_query query = read_query(request);
    auto_(mem_freep) const char **names = NULL;
    size_t count;

    if (!check(invocation, request) ||
        !take_nodes(shared, invocation, request->select, &query, &names))
        return;
    auto_(mem_freep) struct store_traffic *rows = traffic_rows(shared->traffic, &count);
    struct asking *asking = mem_new(sizeof(*asking));

    query.more = rows;
    query.more_count = count;
    asking->invocation = invocation;
    invocation_set_user(invocation, asking, on_gone);
    if (store_list_traffic(shared->store, &query, on_sums, asking) == 0)
        return;
    invocation_set_user(invocation, NULL, NULL);
    free(asking);
    invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                      "the hub's store is busy; try again");
}
