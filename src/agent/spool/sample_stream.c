#include "agent/spool/sample_stream.h"

#include <stdlib.h>

#include "agent/collect/sampler.h"
#include "agent/spool/spool_catalogue.h"
#include "agent/spool/spool_clock.h"
#include "agent/spool/spool_reader.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/timer.h"
#include "rpc/invocation.h"
#include "wire/sample.h"

enum {
    WAITING_MAX = 128 << 10, /* a hub that is this far behind gets no more for now */
    MESSAGE_MAX = 16 << 10,  /* of packed rows in one message, about */
    ROOM_KEPT = 4 << 10,     /* for the next live row */
    ROWS_MAX = 200,          /* in one turn of the loop: well under a millisecond */
};

struct sample_stream {
    struct list node;
    struct sample_stream_config config;
    struct invocation *invocation; /* borrowed: until on_gone */
    struct spool_reader *reader;   /* owned; NULL before Start */
    struct timer more; /* runs when there was too much for one turn, and for a batch */
    struct sample_chain *chain;        /* owned; NULL before the first catalogue */
    struct spool_catalogue *catalogue; /* reference; that of the chain */
    uint64_t era_order;                /* and its era */
    uint32_t catalogue_id;
    struct buf rows; /* packed, not yet sent */
    uint64_t first_seq;
};

void sample_stream_infos_init(struct sample_stream_infos *infos,
                              const struct metric_info *series,
                              size_t count) {
    infos->count = count;
    infos->parts = mem_new_array(count + 1, sizeof(*infos->parts));
    infos->pointers = mem_new_array(count + 1, sizeof(*infos->pointers));
    for (size_t i = 0; i < infos->count; i++) {
        roost__v1__metric_info__init(&infos->parts[i]);
        infos->parts[i].name = series[i].name;
        infos->parts[i].unit = (char *)series[i].unit;
        infos->parts[i].scale = series[i].scale;
        infos->pointers[i] = &infos->parts[i];
    }
}

void sample_stream_infos_done(struct sample_stream_infos *infos) {
    free(infos->parts);
    free(infos->pointers);
}

static void send_rows(struct sample_stream *stream) {
    Roost__V1__SamplesResponse response = ROOST__V1__SAMPLES_RESPONSE__INIT;
    Roost__V1__Rows rows = ROOST__V1__ROWS__INIT;

    if (stream->rows.len == 0)
        return;
    rows.seq = stream->first_seq;
    rows.packed =
        (ProtobufCBinaryData) { .len = stream->rows.len, .data = stream->rows.data };
    response.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_ROWS;
    response.rows = &rows;
    invocation_send(stream->invocation, &response.base);
    buf_clear(&stream->rows);
}

static void send_lost(struct sample_stream *stream, const struct spool_item *item) {
    Roost__V1__SamplesResponse response = ROOST__V1__SAMPLES_RESPONSE__INIT;
    Roost__V1__Lost lost = ROOST__V1__LOST__INIT;

    send_rows(stream);
    lost.epoch = spool_era_start(item->era)->epoch;
    lost.first_seq = item->first_seq;
    lost.last_seq = item->last_seq;
    response.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_LOST;
    response.lost = &lost;
    invocation_send(stream->invocation, &response.base);
}

static void send_catalogue(struct sample_stream *stream, const struct spool_item *item) {
    const struct spool_start *start = spool_era_start(item->era);
    struct spool_anchor now = { .boot_ms = clock_boot_ms(), .wall_ms = clock_wall_ms() };
    Roost__V1__SamplesResponse response = ROOST__V1__SAMPLES_RESPONSE__INIT;
    Roost__V1__Catalogue catalogue = ROOST__V1__CATALOGUE__INIT;
    struct sample_stream_infos infos;

    sample_stream_infos_init(&infos, item->catalogue->series, item->catalogue->count);
    catalogue.metrics = infos.pointers;
    catalogue.n_metrics = infos.count;
    catalogue.id = ++stream->catalogue_id;
    catalogue.epoch = start->epoch;
    catalogue.boot_id = (ProtobufCBinaryData) { .len = sizeof(start->boot_id),
                                                .data = (uint8_t *)start->boot_id };
    struct spool_anchor at = spool_clock_of(stream->config.spool, item->era, &now);
    catalogue.boottime_ms = at.boot_ms;
    catalogue.wall_ms = at.wall_ms > 0 ? (uint64_t)at.wall_ms : 0;
    if (!spool_clock_is_now(stream->config.spool, item->era)) {
        catalogue.now_boottime_ms = now.boot_ms;
        catalogue.now_wall_ms = now.wall_ms > 0 ? (uint64_t)now.wall_ms : 1;
    }
    catalogue.interval_ms = start->interval_ms;
    response.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_CATALOGUE;
    response.catalogue = &catalogue;
    invocation_send(stream->invocation, &response.base);
    sample_stream_infos_done(&infos);
}

/* The rows that follow are of another era or other series. */
static void turn_to(struct sample_stream *stream, const struct spool_item *item) {
    send_rows(stream);
    send_catalogue(stream, item);
    sample_chain_free(stream->chain);
    stream->chain = spool_catalogue_chain(item->catalogue);
    spool_catalogue_ref(item->catalogue);
    spool_catalogue_unref(stream->catalogue);
    stream->catalogue = item->catalogue;
    stream->era_order = spool_era_order(item->era);
}

static void add_row(struct sample_stream *stream, const struct spool_item *item) {
    if (stream->catalogue != item->catalogue ||
        stream->era_order != spool_era_order(item->era))
        turn_to(stream, item);
    if (stream->rows.len == 0)
        stream->first_seq = item->first_seq;
    sample_encode(stream->chain, item->boot_ms, item->values, &stream->rows);
    if (stream->rows.len >= MESSAGE_MAX)
        send_rows(stream);
}

/* Sends what the hub has room for, a turn's worth at most. */
static void pump(struct sample_stream *stream) {
    struct spool_item item;
    unsigned count = 0;
    int r = 0;

    if (!stream->reader || timer_is_running(&stream->more))
        return;
    while (count++ < ROWS_MAX && invocation_waiting(stream->invocation) < WAITING_MAX) {
        r = spool_reader_next(stream->reader, &item);
        if (r != 0)
            break;
        if (item.kind == SPOOL_ITEM_LOST)
            send_lost(stream, &item);
        else
            add_row(stream, &item);
    }
    send_rows(stream);
    if (stream->rows.cap > ROOM_KEPT)
        buf_done(&stream->rows);
    if (r == 0 && invocation_waiting(stream->invocation) < WAITING_MAX)
        timer_start(stream->config.loop, &stream->more, 0);
}

static void on_more(struct timer *timer) {
    pump(container_of(timer, struct sample_stream, more));
}

static void on_drained(struct invocation *invocation, void *user) {
    pump(user);
}

static void on_gone(struct invocation *invocation, void *user) {
    struct sample_stream *stream = user;

    list_remove(&stream->node);
    timer_stop(&stream->more);
    spool_reader_free(stream->reader);
    sample_chain_free(stream->chain);
    spool_catalogue_unref(stream->catalogue);
    buf_done(&stream->rows);
    free(stream);
}

static struct sample_stream *make_stream(const struct sample_stream_config *config,
                                         struct invocation *invocation) {
    struct sample_stream *stream = mem_new(sizeof(*stream));

    *stream = (struct sample_stream) {
        .config = *config,
        .invocation = invocation,
        .more.fire = on_more,
    };
    list_add_tail(config->streams, &stream->node);
    invocation_set_user(invocation, stream, on_gone);
    invocation_on_drained(invocation, on_drained);
    return stream;
}

static struct spool_cursor cursor_of(const Roost__V1__Cursor *cursor) {
    if (!cursor)
        return (struct spool_cursor) { 0 };
    return (struct spool_cursor) { .epoch = cursor->epoch, .seq = cursor->seq };
}

static void start(struct sample_stream *stream,
                  const Roost__V1__SamplesRequest *request) {
    const Roost__V1__Cursor *after = NULL;

    if (request->kind_case == ROOST__V1__SAMPLES_REQUEST__KIND_START)
        after = request->start->after;
    stream->reader = spool_reader_new(stream->config.spool, cursor_of(after));
    pump(stream);
}

void sample_stream_take(const struct sample_stream_config *config,
                        struct invocation *invocation,
                        const Roost__V1__SamplesRequest *request) {
    struct sample_stream *stream = invocation_user(invocation);

    if (!stream)
        stream = make_stream(config, invocation);
    if (request->kind_case == ROOST__V1__SAMPLES_REQUEST__KIND_DURABLE)
        spool_durable(config->spool, cursor_of(request->durable));
    else if (!stream->reader)
        start(stream, request);
}

void sample_stream_wake_all(const struct list *streams) {
    list_for_each_safe(node, after, streams) {
        struct sample_stream *stream = container_of(node, struct sample_stream, node);
        if (stream->config.batch_ms == 0)
            pump(stream);
        else if (!timer_is_running(&stream->more))
            timer_start(stream->config.loop, &stream->more, stream->config.batch_ms);
    }
}

void sample_stream_stop_all(const struct list *streams) {
    list_for_each_safe(node, after, streams) {
        struct sample_stream *stream = container_of(node, struct sample_stream, node);
        timer_stop(&stream->more);
        pump(stream); /* a batch that is not full yet */
        invocation_finish(stream->invocation, GRPC_UNAVAILABLE, "the agent stops");
    }
}
