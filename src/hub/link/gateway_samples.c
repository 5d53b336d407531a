#include "hub/link/gateway_samples.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "dialect/stream.h"
#include "hub/activity/activity.h"
#include "hub/nodes/node.h"
#include "hub/samples/catalogue.h"
#include "hub/samples/intake.h"
#include "hub/samples/receipt.h"
#include "hub/timekeeper.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "store/history/history.h"
#include "wire/pb.h"
#include "wire/sample.h"

enum { ACK_BYTES = 64 << 10 }; /* of rows, packed, that are acknowledged at once */

static const double value_max = 9.2e18; /* fits into 64 bits */

struct gateway_samples {
    struct intake_shared shared;
    struct node *node;       /* borrowed: the registry */
    struct stream *stream;   /* borrowed: who owns us owns it */
    struct intake *intake;   /* owned */
    struct receipt *receipt; /* owned */
    Roost__V1__Catalogue
        *catalogue;             /* owned: as the intake has it; NULL before the first */
    struct sample_chain *chain; /* owned: what the intake's is fed by; NULL likewise */
    double *factors;            /* owned: 10^scale of each metric */
    uint64_t heard_ms;          /* loop time of the catalogue */
    uint64_t next_seq;          /* of rows that are not numbered */
    struct timer again;
    bool is_numbered;
    bool has_clock;
    bool is_deaf; /* rows are passed over until the next catalogue */
};

static bool is_urgent(void *user) {
    const struct gateway_samples *samples = user;
    return intake_replayed(samples->intake, false) >= ACK_BYTES;
}

static void cursor_init(Roost__V1__Cursor *cursor, struct history_cursor at) {
    roost__v1__cursor__init(cursor);
    cursor->epoch = at.epoch;
    cursor->seq = at.seq;
}

static void on_due(void *user, struct history_cursor durable) {
    struct gateway_samples *samples = user;
    Roost__V1__ConnectResponse response = ROOST__V1__CONNECT_RESPONSE__INIT;
    Roost__V1__Cursor cursor;

    intake_replayed(samples->intake, true);
    if (!samples->is_numbered)
        return;
    cursor_init(&cursor, durable);
    response.kind_case = ROOST__V1__CONNECT_RESPONSE__KIND_DURABLE;
    response.durable = &cursor;
    stream_send(samples->stream, &response);
}

static void on_settled(void *user) {
}

static const struct receipt_events receipt_events = {
    .is_urgent = is_urgent,
    .on_due = on_due,
    .on_settled = on_settled,
};

static void forget_catalogue(struct gateway_samples *samples) {
    pb_free(samples->catalogue ? &samples->catalogue->base : NULL);
    samples->catalogue = NULL;
    samples->chain = sample_chain_free(samples->chain);
    free(TAKE(samples->factors));
}

/* Gives the catalogue to the intake, which begins a new chain: so does ours. */
static const char *give_catalogue(struct gateway_samples *samples) {
    Roost__V1__SamplesResponse message = ROOST__V1__SAMPLES_RESPONSE__INIT;

    message.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_CATALOGUE;
    message.catalogue = samples->catalogue;
    if (intake_take_message(samples->intake, &message) != 0)
        return intake_fault(samples->intake);
    sample_chain_free(samples->chain);
    samples->chain = catalogue_chain(samples->catalogue);
    return NULL;
}

static Roost__V1__Catalogue *copy_catalogue(const Roost__V1__Catalogue *catalogue) {
    struct buf packed = { 0 };
    ProtobufCMessage *copy = NULL;

    pb_pack(&packed, &catalogue->base);
    pb_unpack(&roost__v1__catalogue__descriptor, buf_slice(&packed), &copy);
    buf_done(&packed);
    return (Roost__V1__Catalogue *)copy;
}

/* What the agent's clock shows now; without one, the hub's. */
static uint64_t clock_of(const struct gateway_samples *samples) {
    uint64_t passed_ms = loop_now_ms(samples->shared.loop) - samples->heard_ms;

    if (!samples->has_clock)
        return (uint64_t)timekeeper_now_ms(samples->shared.timekeeper);
    return samples->catalogue->boottime_ms + passed_ms;
}

/* A clock belongs to the run of numbers; rows that have none, to the hub's own. */
static void choose_boot(const struct gateway_samples *samples,
                        uint64_t epoch,
                        uint8_t ret_boot[static CATALOGUE_BOOT_LEN]) {
    memset(ret_boot, 0, CATALOGUE_BOOT_LEN);
    if (samples->has_clock)
        memcpy(ret_boot, &epoch, sizeof(epoch));
}

static const char *take_catalogue(struct gateway_samples *samples,
                                  const Roost__V1__ConnectRequest__Catalogue *said) {
    Roost__V1__Catalogue catalogue = ROOST__V1__CATALOGUE__INIT;
    uint8_t boot[CATALOGUE_BOOT_LEN];
    uint64_t epoch = said->epoch;

    timer_stop(&samples->again);
    samples->is_numbered = epoch != 0;
    samples->has_clock = said->now_ms != 0;
    samples->is_deaf = false;
    samples->heard_ms = loop_now_ms(samples->shared.loop);
    samples->next_seq = 1;
    while (epoch == 0)
        crypto_random(&epoch, sizeof(epoch));
    choose_boot(samples, epoch, boot);
    catalogue.n_metrics = said->n_metrics;
    catalogue.metrics = said->metrics;
    catalogue.epoch = epoch;
    catalogue.interval_ms = said->interval_ms;
    catalogue.boot_id = (ProtobufCBinaryData) { sizeof(boot), boot };
    catalogue.wall_ms = (uint64_t)timekeeper_now_ms(samples->shared.timekeeper);
    catalogue.boottime_ms = samples->has_clock ? said->now_ms : catalogue.wall_ms;
    const char *fault = catalogue_fault(&catalogue);
    if (fault)
        return fault;
    forget_catalogue(samples);
    samples->catalogue = copy_catalogue(&catalogue);
    if (!samples->catalogue)
        return "its catalogue is damaged";
    samples->factors = mem_new_array(said->n_metrics, sizeof(*samples->factors));
    for (size_t i = 0; i < said->n_metrics; i++)
        samples->factors[i] = pow(10, said->metrics[i]->scale);
    intake_begin(samples->intake);
    return give_catalogue(samples);
}

static const char *pack_row(struct gateway_samples *samples,
                            const Roost__V1__ConnectRequest__Row *row,
                            int64_t *values,
                            struct buf *out) {
    if (row->n_values != samples->catalogue->n_metrics)
        return "a row has more or fewer values than its catalogue";
    if (samples->has_clock != (row->time_ms != 0))
        return "rows have a time if the catalogue has now_ms, and only then";
    for (size_t i = 0; i < row->n_values; i++) {
        double value = row->values[i] * samples->factors[i];
        if (value > value_max || value < -value_max)
            return "a value is too large";
        values[i] = isnan(value) ? SAMPLE_ABSENT : (int64_t)llround(value);
    }
    sample_encode(samples->chain, row->time_ms != 0 ? row->time_ms : clock_of(samples),
                  values, out);
    return NULL;
}

/* The agent goes on behind what is durable: it has what was not taken. */
static void resume(struct gateway_samples *samples) {
    Roost__V1__ConnectResponse response = ROOST__V1__CONNECT_RESPONSE__INIT;
    Roost__V1__Cursor cursor;

    if (!samples->is_numbered) {
        samples->is_deaf = false;
        samples->catalogue->boottime_ms = clock_of(samples);
        samples->heard_ms = loop_now_ms(samples->shared.loop);
        intake_begin(samples->intake);
        give_catalogue(samples);
        return;
    }
    samples->is_deaf = true;
    cursor_init(&cursor, receipt_begin(samples->receipt));
    response.kind_case = ROOST__V1__CONNECT_RESPONSE__KIND_RESUME;
    response.resume = &cursor;
    stream_send(samples->stream, &response);
}

static void on_again(struct timer *timer) {
    resume(container_of(timer, struct gateway_samples, again));
}

static void resume_later(struct gateway_samples *samples) {
    if (!timer_is_running(&samples->again))
        timer_start(samples->shared.loop, &samples->again,
                    intake_pause_ms(&samples->shared));
}

/* Numbers that were passed over: an agent does that with what it had to drop. */
static void tell_lost(struct gateway_samples *samples, uint64_t seq) {
    Roost__V1__SamplesResponse message = ROOST__V1__SAMPLES_RESPONSE__INIT;
    Roost__V1__Lost lost = ROOST__V1__LOST__INIT;
    struct history_cursor taken =
        history_taken(samples->shared.history, samples->node->name);
    uint64_t epoch = samples->catalogue->epoch;
    uint64_t next = taken.epoch == epoch ? taken.seq + 1 : 1;

    if (seq <= next)
        return;
    lost.epoch = epoch;
    lost.first_seq = next;
    lost.last_seq = seq - 1;
    message.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_LOST;
    message.lost = &lost;
    intake_take_message(samples->intake, &message);
}

static const char *give_rows(struct gateway_samples *samples,
                             uint64_t seq,
                             struct slice packed) {
    Roost__V1__SamplesResponse message = ROOST__V1__SAMPLES_RESPONSE__INIT;
    Roost__V1__Rows rows = ROOST__V1__ROWS__INIT;

    if (samples->is_numbered)
        tell_lost(samples, seq);
    rows.seq = seq;
    rows.packed = (ProtobufCBinaryData) { packed.len, (uint8_t *)packed.at };
    message.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_ROWS;
    message.rows = &rows;
    switch (intake_take_message(samples->intake, &message)) {
    case 0:
        if (intake_is_starved(samples->intake))
            resume_later(samples);
        return NULL;
    case INTAKE_E_FULL:
    case INTAKE_E_HOLE:
        samples->is_deaf = true;
        resume_later(samples);
        return NULL;
    default:
        return intake_fault(samples->intake);
    }
}

static const char *take_rows(struct gateway_samples *samples,
                             const Roost__V1__ConnectRequest__Rows *said) {
    struct buf packed = { 0 };
    const char *fault = NULL;

    if (!samples->catalogue)
        return "its rows come before their catalogue";
    if (samples->is_numbered != (said->seq != 0))
        return "rows have a number if the catalogue has an epoch, and only then";
    if (samples->is_deaf)
        return NULL;
    int64_t *values = mem_new_array(samples->catalogue->n_metrics, sizeof(*values));
    for (size_t i = 0; i < said->n_rows && !fault; i++)
        fault = pack_row(samples, said->rows[i], values, &packed);
    free(values);
    uint64_t seq = samples->is_numbered ? said->seq : samples->next_seq;
    samples->next_seq += said->n_rows;
    if (!fault && packed.len > 0)
        fault = give_rows(samples, seq, buf_slice(&packed));
    buf_done(&packed);
    return fault;
}

static void tell_refused(const struct gateway_samples *samples, const char *fault) {
    activity_add(samples->shared.activity, "node.samples_refused", samples->node->name,
                 "", "its samples are refused: %s", fault);
}

const char *gateway_samples_take(struct gateway_samples *samples,
                                 const Roost__V1__ConnectRequest *request) {
    receipt_follow(samples->receipt);
    const char *fault = request->kind_case == ROOST__V1__CONNECT_REQUEST__KIND_CATALOGUE
                            ? take_catalogue(samples, request->catalogue)
                            : take_rows(samples, request->rows);
    if (fault)
        tell_refused(samples, fault);
    return fault;
}

void gateway_samples_begin(struct gateway_samples *samples,
                           Roost__V1__Cursor *ret_durable) {
    cursor_init(ret_durable, receipt_begin(samples->receipt));
}

void gateway_samples_settle(struct gateway_samples *samples) {
    timer_stop(&samples->again);
    receipt_settle(samples->receipt);
}

struct gateway_samples *gateway_samples_new(const struct intake_shared *shared,
                                            struct node *node,
                                            struct stream *stream) {
    struct gateway_samples *samples = mem_new(sizeof(*samples));

    *samples = (struct gateway_samples) {
        .shared = *shared,
        .node = node,
        .stream = stream,
        .intake = intake_new(shared, node),
        .again.fire = on_again,
    };
    samples->receipt = receipt_new(shared, node, &receipt_events, samples);
    return samples;
}

struct gateway_samples *gateway_samples_free(struct gateway_samples *samples) {
    if (!samples)
        return NULL;
    timer_stop(&samples->again);
    receipt_free(samples->receipt);
    intake_free(samples->intake);
    forget_catalogue(samples);
    free(samples);
    return NULL;
}
