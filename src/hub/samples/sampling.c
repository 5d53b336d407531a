#include "hub/samples/sampling.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/nodes/node.h"
#include "hub/samples/intake.h"
#include "hub/samples/receipt.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "roost/v1/host.pb-c.h"
#include "rpc/client.h"

enum {
    AGAIN_MS = 5000,          /* before an ended stream is opened again */
    HOLE_MS = 1000,           /* the same when rows were missing */
    REFUSED_MOST_MS = 600000, /* an agent that talks nonsense is asked ever less */
    REFUSED_DOUBLE_MAX = 7,
    CATALOGUE_MAX = 512 << 10, /* bytes of the largest message: 4,096 long names */
    ACK_BYTES =
        64 << 10, /* of a spool are acknowledged at once: a quarter of the smallest */
};

struct sampling {
    struct intake_shared shared;
    struct target *target;      /* borrowed: the session */
    struct node *node;          /* borrowed: the registry */
    uint64_t generation;        /* of the session */
    struct intake *intake;      /* owned */
    struct client_call *client; /* owned; NULL between streams */
    uint64_t opened_ms;         /* loop time */
    struct timer again;
    unsigned refusals;       /* one after the other */
    struct receipt *receipt; /* owned */
    bool is_stopping;
};

static bool is_urgent(void *user) {
    const struct sampling *sampling = user;
    return intake_replayed(sampling->intake, false) >= ACK_BYTES;
}

static void on_due(void *user, struct history_cursor durable) {
    struct sampling *sampling = user;
    Roost__V1__SamplesRequest request = ROOST__V1__SAMPLES_REQUEST__INIT;
    Roost__V1__Cursor cursor = ROOST__V1__CURSOR__INIT;

    cursor.epoch = durable.epoch;
    cursor.seq = durable.seq;
    request.kind_case = ROOST__V1__SAMPLES_REQUEST__KIND_DURABLE;
    request.durable = &cursor;
    client_send(sampling->client, &request.base);
    intake_replayed(sampling->intake, true);
}

static void on_settled(void *user) {
    struct sampling *sampling = user;
    client_end(sampling->client);
}

static const struct receipt_events receipt_events = {
    .is_urgent = is_urgent,
    .on_due = on_due,
    .on_settled = on_settled,
};

static void end(struct sampling *sampling, unsigned again_ms) {
    sampling->client = client_cancel(sampling->client);
    receipt_pause(sampling->receipt);
    if (!sampling->is_stopping)
        timer_start(sampling->shared.loop, &sampling->again, again_ms);
}

static void refuse(struct sampling *sampling) {
    const char *why = intake_fault(sampling->intake);
    uint64_t lasted_ms = loop_now_ms(sampling->shared.loop) - sampling->opened_ms;

    if (lasted_ms > REFUSED_MOST_MS)
        sampling->refusals = 0;
    unsigned pause_ms = (unsigned)AGAIN_MS << sampling->refusals;
    if (sampling->refusals == 0)
        activity_add(sampling->shared.activity, "node.samples_refused",
                     sampling->node->name, "", "its samples are refused: %s", why);
    if (sampling->refusals < REFUSED_DOUBLE_MAX)
        sampling->refusals++;
    log_warning("%s: its samples are refused: %s; asking anew later",
                sampling->node->name, why);
    end(sampling, pause_ms < REFUSED_MOST_MS ? pause_ms : REFUSED_MOST_MS);
}

static void on_message(void *user, struct slice bytes) {
    struct sampling *sampling = user;

    if (sampling->is_stopping || sampling->node->generation != sampling->generation)
        return;
    receipt_follow(sampling->receipt);
    switch (intake_take(sampling->intake, bytes)) {
    case 0:
        if (intake_is_starved(sampling->intake) && !timer_is_running(&sampling->again))
            timer_start(sampling->shared.loop, &sampling->again,
                        intake_pause_ms(&sampling->shared));
        break;
    case INTAKE_E_HOLE:
        end(sampling, HOLE_MS);
        break;
    case INTAKE_E_FULL:
        end(sampling, intake_pause_ms(&sampling->shared));
        break;
    default:
        refuse(sampling);
        break;
    }
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct sampling *sampling = user;

    sampling->client = NULL;
    receipt_pause(sampling->receipt);
    if (status == GRPC_UNIMPLEMENTED || sampling->is_stopping)
        return; /* a node that is no host */
    log_debug("%s: samples ended: %s", sampling->node->name, message);
    timer_start(sampling->shared.loop, &sampling->again, AGAIN_MS);
}

static void start(struct sampling *sampling) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    Roost__V1__SamplesRequest request = ROOST__V1__SAMPLES_REQUEST__INIT;
    Roost__V1__SamplesRequest__Start wish = ROOST__V1__SAMPLES_REQUEST__START__INIT;
    Roost__V1__Cursor after = ROOST__V1__CURSOR__INIT;
    struct client_request call = {
        .method = "/roost.v1.Host/Samples",
        .message_max = CATALOGUE_MAX,
    };

    intake_begin(sampling->intake);
    struct history_cursor durable = receipt_begin(sampling->receipt);
    sampling->opened_ms = loop_now_ms(sampling->shared.loop);
    after.epoch = durable.epoch;
    after.seq = durable.seq;
    wish.after = &after;
    request.kind_case = ROOST__V1__SAMPLES_REQUEST__KIND_START;
    request.start = &wish;
    sampling->client =
        client_start(sampling->shared.loop, sampling->target, &call, &events, sampling);
    client_send(sampling->client, &request.base);
}

static void on_again(struct timer *timer) {
    struct sampling *sampling = container_of(timer, struct sampling, again);

    client_cancel(sampling->client); /* one that was starved is still open */
    start(sampling);
}

struct sampling *sampling_new(const struct intake_shared *shared,
                              struct target *target,
                              struct node *node) {
    struct sampling *sampling = mem_new(sizeof(*sampling));

    *sampling = (struct sampling) {
        .shared = *shared,
        .target = target,
        .node = node,
        .generation = node->generation,
        .intake = intake_new(shared, node),
        .again.fire = on_again,
    };
    sampling->receipt = receipt_new(shared, node, &receipt_events, sampling);
    start(sampling);
    return sampling;
}

void sampling_stop(struct sampling *sampling) {
    if (sampling->is_stopping)
        return;
    sampling->is_stopping = true;
    timer_stop(&sampling->again);
    receipt_settle(sampling->receipt);
}

struct sampling *sampling_free(struct sampling *sampling) {
    if (!sampling)
        return NULL;
    timer_stop(&sampling->again);
    client_cancel(sampling->client);
    receipt_free(sampling->receipt);
    intake_free(sampling->intake);
    free(sampling);
    return NULL;
}
