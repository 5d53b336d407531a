#include "hub/sampling.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/activity.h"
#include "hub/intake.h"
#include "hub/node.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "roost/v1/host.pb-c.h"
#include "rpc/client.h"
#include "store/history.h"

enum {
    AGAIN_MS = 5000,          /* before an ended stream is opened again */
    HOLE_MS = 1000,           /* the same when rows were missing */
    FULL_MS = 10000,          /* a disk is not cleared faster */
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
    unsigned refusals; /* one after the other */
    struct history_watcher watcher;
    char *watched; /* owned: the node's name as the watcher has it */
    struct history_cursor durable;
    struct history_cursor acked;
    uint64_t acked_ms; /* loop time */
    struct timer ack;
    bool is_stopping;
    bool has_ended; /* our half of the stream */
};

static bool are_equal(struct history_cursor a, struct history_cursor b) {
    return a.epoch == b.epoch && a.seq == b.seq;
}

static void send_ack(struct sampling *sampling) {
    Roost__V1__SamplesRequest request = ROOST__V1__SAMPLES_REQUEST__INIT;
    Roost__V1__Cursor cursor = ROOST__V1__CURSOR__INIT;

    timer_stop(&sampling->ack);
    if (!sampling->client || are_equal(sampling->durable, sampling->acked))
        return;
    cursor.epoch = sampling->durable.epoch;
    cursor.seq = sampling->durable.seq;
    request.kind_case = ROOST__V1__SAMPLES_REQUEST__KIND_DURABLE;
    request.durable = &cursor;
    client_send(sampling->client, &request.base);
    sampling->acked = sampling->durable;
    sampling->acked_ms = loop_now_ms(sampling->shared.loop);
    intake_replayed(sampling->intake, true);
}

static void on_ack(struct timer *timer) {
    send_ack(container_of(timer, struct sampling, ack));
}

/* The last word, once everything that was taken is durable or the disk refuses. */
static void finish_if_done(struct sampling *sampling) {
    struct history *history = sampling->shared.history;

    if (!sampling->client || sampling->has_ended ||
        (!are_equal(sampling->durable, history_taken(history, sampling->watched)) &&
         !history_trouble(history)))
        return;
    send_ack(sampling);
    sampling->has_ended = true;
    client_end(sampling->client);
}

static void on_durable(struct history_watcher *watcher, struct history_cursor durable) {
    struct sampling *sampling = container_of(watcher, struct sampling, watcher);
    uint64_t waited_ms = loop_now_ms(sampling->shared.loop) - sampling->acked_ms;
    uint64_t ack_ms = sampling->shared.ack_ms;

    sampling->durable = durable;
    if (sampling->is_stopping)
        finish_if_done(sampling);
    else if (intake_replayed(sampling->intake, false) >= ACK_BYTES)
        send_ack(sampling);
    else if (!timer_is_running(&sampling->ack))
        timer_start(sampling->shared.loop, &sampling->ack,
                    waited_ms >= ack_ms ? 0 : ack_ms - waited_ms);
}

/* Follows the node to a new name. */
static void watch(struct sampling *sampling) {
    if (sampling->watched && strcmp(sampling->watched, sampling->node->name) == 0)
        return;
    if (sampling->watched)
        history_unwatch(&sampling->watcher);
    free(sampling->watched);
    sampling->watched = mem_strdup(sampling->node->name);
    sampling->watcher.node = sampling->watched;
    sampling->durable = history_durable(sampling->shared.history, sampling->watched);
    history_watch(sampling->shared.history, &sampling->watcher);
}

static void end(struct sampling *sampling, unsigned again_ms) {
    sampling->client = client_cancel(sampling->client);
    timer_stop(&sampling->ack);
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
    watch(sampling);
    switch (intake_take(sampling->intake, bytes)) {
    case 0:
        if (intake_is_starved(sampling->intake) && !timer_is_running(&sampling->again))
            timer_start(sampling->shared.loop, &sampling->again, FULL_MS);
        break;
    case INTAKE_E_HOLE:
        end(sampling, HOLE_MS);
        break;
    case INTAKE_E_FULL:
        end(sampling, FULL_MS);
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
    timer_stop(&sampling->ack);
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

    watch(sampling);
    intake_begin(sampling->intake);
    sampling->durable = history_durable(sampling->shared.history, sampling->watched);
    sampling->acked = sampling->durable;
    sampling->opened_ms = loop_now_ms(sampling->shared.loop);
    sampling->acked_ms = sampling->opened_ms;
    after.epoch = sampling->durable.epoch;
    after.seq = sampling->durable.seq;
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
        .watcher.on_durable = on_durable,
        .again.fire = on_again,
        .ack.fire = on_ack,
    };
    start(sampling);
    return sampling;
}

void sampling_stop(struct sampling *sampling) {
    if (sampling->is_stopping)
        return;
    sampling->is_stopping = true;
    timer_stop(&sampling->again);
    timer_stop(&sampling->ack);
    sampling->durable = history_durable(sampling->shared.history, sampling->watched);
    history_flush(sampling->shared.history);
    finish_if_done(sampling);
}

struct sampling *sampling_free(struct sampling *sampling) {
    if (!sampling)
        return NULL;
    timer_stop(&sampling->again);
    timer_stop(&sampling->ack);
    client_cancel(sampling->client);
    history_unwatch(&sampling->watcher);
    intake_free(sampling->intake);
    free(sampling->watched);
    free(sampling);
    return NULL;
}
