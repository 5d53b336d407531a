#include "wire/h2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/h2_internal.h"

enum {
    SPENT_ID = 1 << 30,           /* of 2^31 */
    CONNECTION_WINDOW = 16 << 20, /* protects nothing: credit returns on receipt */
    ACKS_MAX = 1000,        /* SETTINGS and PING answers that a peer leaves unread */
    EARLY_MAX = 65536,      /* frames taken from the engine before the drain */
    CONTINUATIONS_MAX = 72, /* eight: the engine counts each part of a cut frame head */
    /* In a burst, and then against a slow drip. The guard ends sooner, and knows which
     * were begun for nothing; the engine does not: a tunnel ends as its TCP connection
     * does. */
    RESETS_MAX = 10000,
    RESETS_A_SECOND = 10000,
    CONTROL_MAX = 4000, /* queued frames that are no body, besides four a stream */
};

static nghttp2_option *new_options(const struct h2_limits *limits) {
    nghttp2_option *option;

    if (nghttp2_option_new(&option) != 0)
        abort();
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, ACKS_MAX);
    nghttp2_option_set_max_reserved_remote_streams(option, 0);
    nghttp2_option_set_max_continuations(option, CONTINUATIONS_MAX);
    uint64_t resets_max = limits->trust_resets ? UINT64_MAX : RESETS_MAX;
    uint64_t resets_a_second = limits->trust_resets ? UINT64_MAX : RESETS_A_SECOND;
    nghttp2_option_set_stream_reset_rate_limit(option, resets_max, resets_a_second);
    return option;
}

static void open_session(struct h2 *h2) {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option = new_options(&h2->limits);
    nghttp2_mem *mem = h2_mem_engine(h2->mem);

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        abort();
    h2_events_set(callbacks);
    int r = h2->role == H2_SERVER
                ? nghttp2_session_server_new3(&h2->session, callbacks, h2, option, mem)
                : nghttp2_session_client_new3(&h2->session, callbacks, h2, option, mem);
    if (r != 0)
        abort();
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
}

static void submit_settings(struct h2 *h2) {
    bool server = h2->role == H2_SERVER;
    nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, h2->limits.window },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, h2->limits.header_bytes_max },
        { server ? NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS : NGHTTP2_SETTINGS_ENABLE_PUSH,
          server ? h2->limits.streams_max : 0 },
    };
    nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
                            sizeof(settings) / sizeof(settings[0]));
    nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
                                          CONNECTION_WINDOW);
}

struct h2 *h2_new(enum h2_role role, const struct h2_limits *limits) {
    struct h2 *h2 = mem_new(sizeof(*h2));

    h2->role = role;
    h2->limits = *limits;
    h2->mem = h2_mem_new(limits->pool);
    list_init(&h2->entries);
    list_init(&h2->news);
    h2_guard_init(&h2->guard);
    h2_past_init(&h2->past);
    h2_window_path_init(&h2->path, limits->windows);
    open_session(h2);
    submit_settings(h2);
    return h2;
}

/* The engine calls no on_stream_close when it is deleted, so every stream ends here. */
static void close_all(struct h2 *h2, uint32_t code) {
    list_for_each_safe(node, after, &h2->entries) {
        struct h2_entry *entry = container_of(node, struct h2_entry, node);
        if (!entry->stream.closed && h2->role == H2_CLIENT)
            entry->stream.refused = !entry->sent;
        h2_entry_close(entry, false, code);
    }
}

struct h2 *h2_free(struct h2 *h2) {
    if (!h2)
        return NULL;
    close_all(h2, h2->peer_code);
    list_for_each_safe(node, after, &h2->entries) {
        struct h2_entry *entry = container_of(node, struct h2_entry, node);
        entry->engine_open = false;
        entry->stream.h2 = NULL;
        list_remove(&entry->news);
        list_remove(&entry->node);
        h2_entry_settle(entry);
    }
    nghttp2_session_del(h2->session);
    h2_mem_free(h2->mem);
    buf_done(&h2->early);
    free(h2);
    return NULL;
}

void h2_tick(struct h2 *h2, uint64_t now_us) {
    h2->now_us = now_us;
}

void h2_touch(struct h2 *h2) {
    if (h2->on_output)
        h2->on_output(h2->on_output_arg);
}

void h2_fail(struct h2 *h2, uint32_t code) {
    if (h2->failed)
        return;
    h2->failed = true;
    nghttp2_session_terminate_session(h2->session, code);
    close_all(h2, code);
}

/* What the engine's fatal errors are called on the wire. */
static uint32_t code_of(ssize_t engine_error) {
    switch (engine_error) {
    case NGHTTP2_ERR_FLOODED:
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
        return H2_ENHANCE_YOUR_CALM;
    case NGHTTP2_ERR_CALLBACK_FAILURE:
    case NGHTTP2_ERR_NOMEM:
        return H2_INTERNAL_ERROR;
    default:
        return H2_PROTOCOL_ERROR;
    }
}

/* Appends the engine's next frame: 1, 0 when there is none, or -EPROTO. */
static int add_frame(struct h2 *h2, struct buf *out) {
    const uint8_t *bytes;
    ssize_t len = nghttp2_session_mem_send(h2->session, &bytes);

    if (len < 0) {
        h2_fail(h2, code_of(len));
        return -EPROTO;
    }
    buf_add(out, bytes, (size_t)len);
    return len > 0;
}

/*
 * The engine does not say that it is ending the session for a fault of the peer; it
 * queues a GOAWAY, and on_frame_sent() sees that one leave. So what a feed has queued is
 * taken at once; it goes out first in the next drain.
 */
static void look_for_goaway(struct h2 *h2, size_t queued_before) {
    size_t queued = nghttp2_session_get_outbound_queue_size(h2->session);
    bool more = queued > queued_before;

    while (more && !h2->failed && h2->early.len < EARLY_MAX)
        more = add_frame(h2, &h2->early) == 1 &&
               nghttp2_session_get_outbound_queue_size(h2->session) > 0;
}

static void feed_engine(struct h2 *h2, struct slice bytes) {
    size_t queued = nghttp2_session_get_outbound_queue_size(h2->session);
    ssize_t r = nghttp2_session_mem_recv(h2->session, bytes.at, bytes.len);

    if (r < 0)
        h2_fail(h2, code_of(r));
    else
        look_for_goaway(h2, queued);
}

/* Does the peer make us queue more than it reads? */
static bool is_flooded(const struct h2 *h2) {
    size_t queued = nghttp2_session_get_outbound_queue_size(h2->session);
    return h2_guard_is_empty(&h2->guard) || queued > CONTROL_MAX + 4 * h2->open;
}

/* The engine has seen the head of a frame that it would pass over. */
static void punish(struct h2 *h2, struct h2_past_fault fault) {
    if (h2->failed || nghttp2_session_get_stream_user_data(h2->session, fault.id))
        return; /* it knows the stream, and what to say */
    if (fault.end == H2_PAST_RESET)
        nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, fault.id,
                                  NGHTTP2_STREAM_CLOSED);
    else
        h2_fail(h2, fault.end == H2_PAST_ENDED ? NGHTTP2_STREAM_CLOSED
                                               : NGHTTP2_PROTOCOL_ERROR);
}

static void feed_client(struct h2 *h2, struct slice bytes) {
    struct h2_past_fault fault;

    while (!h2->failed && bytes.len > 0) {
        size_t len = h2_past_walk(&h2->past, bytes, &fault);
        feed_engine(h2, slice_of(bytes.at, len));
        if (fault.id != 0)
            punish(h2, fault);
        bytes = slice_after(bytes, len);
    }
    h2_guard_charge(&h2->guard, H2_GUARD_FRAME * (int64_t)h2->past.idle_frames);
    h2->past.idle_frames = 0;
}

int h2_feed(struct h2 *h2, struct slice bytes) {
    if (h2->failed)
        return -EPROTO;
    if (bytes.len == 0)
        return 0;
    h2_guard_refill(&h2->guard, H2_GUARD_FEED);
    if (h2->role == H2_SERVER)
        feed_client(h2, bytes);
    else
        feed_engine(h2, bytes);
    if (is_flooded(h2))
        h2_fail(h2, H2_ENHANCE_YOUR_CALM);
    return h2->failed ? -EPROTO : 0;
}

int h2_drain(struct h2 *h2, struct buf *out, size_t max) {
    int r = 1;

    buf_add_slice(out, buf_slice(&h2->early));
    buf_done(&h2->early);
    while (out->len < max && r > 0)
        r = add_frame(h2, out);
    return r < 0 ? r : 0;
}

bool h2_has_output(const struct h2 *h2) {
    return h2->early.len > 0 || nghttp2_session_want_write(h2->session);
}

bool h2_is_alive(const struct h2 *h2) {
    return !h2->failed && (h2_has_output(h2) || nghttp2_session_want_read(h2->session));
}

struct h2_stream *h2_next(struct h2 *h2) {
    struct list *node = list_pop(&h2->news);
    if (!node)
        return NULL;
    struct h2_entry *entry = container_of(node, struct h2_entry, news);
    entry->given = true;
    return &entry->stream;
}

void h2_on_output(struct h2 *h2, void (*on_output)(void *arg), void *arg) {
    h2->on_output = on_output;
    h2->on_output_arg = arg;
}

bool h2_can_request(const struct h2 *h2) {
    uint32_t max = nghttp2_session_get_remote_settings(
        h2->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return h2->role == H2_CLIENT && !h2->failed && !h2->leaving && !h2->draining &&
           h2->open < max && nghttp2_session_check_request_allowed(h2->session);
}

/* A tunnel carries bulk, and so does what says so itself (RFC 9218: background): whatever
 * else has something to send shall not wait for it, on our side nor, since the weight
 * travels, on the peer's. */
static nghttp2_priority_spec priority_of(const struct headers *head) {
    const char *method = headers_get(head, ":method");
    const char *wish = headers_get(head, "priority");
    bool is_bulk = (method && strcmp(method, "CONNECT") == 0) ||
                   (wish && strncmp(wish, "u=7", 3) == 0);
    nghttp2_priority_spec priority;

    nghttp2_priority_spec_init(&priority, 0,
                               is_bulk ? NGHTTP2_MIN_WEIGHT : NGHTTP2_DEFAULT_WEIGHT, 0);
    return priority;
}

struct h2_stream *h2_request(struct h2 *h2, const struct headers *head, bool has_body) {
    if (!h2_can_request(h2))
        return NULL;
    nghttp2_priority_spec priority = priority_of(head);
    auto_(mem_freep) nghttp2_nv *fields = h2_entry_fields(head);
    struct h2_entry *entry = h2_entry_new(h2, 0, true);
    nghttp2_data_provider source = h2_entry_source(entry);

    int32_t id = nghttp2_submit_request(h2->session, &priority, fields, head->count,
                                        has_body ? &source : NULL, entry);
    entry->stream.id = id;
    entry->out_ended = !has_body;
    if (id < 0) {
        entry->engine_open = false;
        entry->released = true;
        h2->open--;
        h2_entry_settle(entry);
        return NULL;
    }
    h2_touch(h2);
    return &entry->stream;
}

void h2_respond(struct h2_stream *stream, const struct headers *head, bool has_body) {
    struct h2_entry *entry = h2_entry_of(stream);
    struct h2 *h2 = stream->h2;

    if (stream->closed || entry->responded)
        return;
    auto_(mem_freep) nghttp2_nv *fields = h2_entry_fields(head);
    nghttp2_data_provider source = h2_entry_source(entry);
    entry->responded = true;
    if (!has_body)
        entry->out_ended = true;
    nghttp2_submit_response(h2->session, stream->id, fields, head->count,
                            has_body ? &source : NULL);
    h2_touch(h2);
}

void h2_ping(struct h2 *h2) {
    if (h2->failed)
        return;
    h2->pings_open++;
    nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, NULL);
    h2_touch(h2);
}

uint64_t h2_pongs(const struct h2 *h2) {
    return h2->pongs;
}

void h2_goaway(struct h2 *h2, enum h2_error code) {
    if (h2->failed || h2->leaving)
        return;
    h2->leaving = true;
    h2->leaving_code = code;
    nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(h2->session), code,
                          NULL, 0);
    h2_touch(h2);
}

bool h2_is_spent(const struct h2 *h2) {
    return h2->role == H2_CLIENT &&
           nghttp2_session_get_next_stream_id(h2->session) > SPENT_ID;
}

bool h2_is_greeted(const struct h2 *h2) {
    return h2->greeted;
}

static const uint8_t path_ping[8] = "path";

/* The answer to it comes after everything that the peer sent before the notice came. */
static const uint8_t leaving_ping[8] = "leaving";

void h2_leave(struct h2 *h2) {
    if (h2->role == H2_CLIENT) {
        h2_goaway(h2, H2_NO_ERROR);
        return;
    }
    if (h2->failed || h2->leaving || h2->noticed)
        return;
    h2->noticed = true;
    nghttp2_submit_shutdown_notice(h2->session);
    h2->pings_open++;
    nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, leaving_ping);
    h2_touch(h2);
}

void h2_ping_path(struct h2 *h2) {
    h2->pings_open++;
    nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, path_ping);
}

bool h2_has_left(const struct h2 *h2) {
    return h2->leaving || h2->failed;
}

void h2_ping_answered(struct h2 *h2, const uint8_t opaque[static 8]) {
    h2->pings_open--;
    if (memcmp(opaque, path_ping, sizeof(path_ping)) == 0) {
        h2_window_path_answered(&h2->path, h2->now_us);
        return;
    }
    h2->pongs++;
    if (h2->noticed && memcmp(opaque, leaving_ping, sizeof(leaving_ping)) == 0)
        h2_goaway(h2, H2_NO_ERROR);
}

bool h2_is_draining(const struct h2 *h2) {
    return h2->draining;
}

size_t h2_stream_count(const struct h2 *h2) {
    return h2->open;
}
