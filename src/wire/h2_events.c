/*
 * The engine's callbacks. They only record: fields, bytes, flags, news. None of them ends
 * the session that it runs in; what the guard finds is acted upon when the feed is over.
 */
#include <stdlib.h>

#include "wire/h2_internal.h"

enum {
    HEAD_BOMB = 4, /* fields beyond this many limits are not even looked at */
};

static struct h2_entry *entry_of(nghttp2_session *session, int32_t id) {
    return id == 0 ? NULL : nghttp2_session_get_stream_user_data(session, id);
}

static int on_begin_headers(nghttp2_session *session,
                            const nghttp2_frame *frame,
                            void *user) {
    struct h2 *h2 = user;
    int32_t id = frame->hd.stream_id;

    if (h2->role == H2_SERVER && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        nghttp2_session_set_stream_user_data(session, id, h2_entry_new(h2, id, false));
    struct h2_entry *entry = entry_of(session, id);
    if (entry)
        entry->head_size = 0;
    return 0;
}

/* The engine has looked at each byte: what no field may hold goes to on_invalid_header().
 */
static int on_header(nghttp2_session *session,
                     const nghttp2_frame *frame,
                     const uint8_t *name,
                     size_t name_len,
                     const uint8_t *value,
                     size_t len,
                     uint8_t flags,
                     void *user) {
    struct h2 *h2 = user;
    struct h2_entry *entry = entry_of(session, frame->hd.stream_id);

    if (!entry || entry->stream.closed)
        return 0;
    entry->head_size += name_len + len + 32; /* RFC 9113, 6.5.2 */
    if (entry->head_size > (size_t)h2->limits.header_bytes_max * HEAD_BOMB) {
        h2_guard_charge(&h2->guard, H2_GUARD_HEAD);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (entry->head_size > h2->limits.header_bytes_max)
        return 0;
    struct headers *to =
        entry->stream.has_head ? &entry->stream.trailers : &entry->stream.head;
    headers_add_seen(to, slice_of(name, name_len), slice_of(value, len));
    return 0;
}

/* The engine would drop such a field and go on; RFC 9113, 8.2.1 wants the stream ended.
 */
static int on_invalid_header(nghttp2_session *session,
                             const nghttp2_frame *frame,
                             const uint8_t *name,
                             size_t name_len,
                             const uint8_t *value,
                             size_t len,
                             uint8_t flags,
                             void *user) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_body(nghttp2_session *session,
                   uint8_t flags,
                   int32_t id,
                   const uint8_t *bytes,
                   size_t len,
                   void *user) {
    struct h2 *h2 = user;
    struct h2_entry *entry = entry_of(session, id);

    nghttp2_session_consume_connection(session, len);
    if (!entry || entry->ignoring || entry->released || entry->stream.closed) {
        nghttp2_session_consume_stream(session, id, len);
        return 0;
    }
    h2_guard_useful(&h2->guard, len);
    if (h2_window_path_received(&h2->path, len, h2->now_us))
        h2_ping_path(h2);
    pipe_add(&entry->stream.in, slice_of(bytes, len));
    entry->credit += len;
    if (entry->stream.has_head)
        h2_entry_tell(entry);
    return 0;
}

/* Answers 431 (RFC 6585, 5) in the place of an owner, who never learns of it. */
static void refuse_head(struct h2_entry *entry) {
    nghttp2_session *session = entry->stream.h2->session;
    static const nghttp2_nv answer = {
        .name = (uint8_t *)":status",
        .value = (uint8_t *)"431",
        .namelen = 7,
        .valuelen = 3,
    };

    entry->released = true;
    entry->ignoring = true;
    entry->responded = true;
    entry->out_ended = true;
    headers_done(&entry->stream.head);
    nghttp2_submit_response(session, entry->stream.id, &answer, 1, NULL);
}

static void take_long_head(struct h2_entry *entry) {
    struct h2 *h2 = entry->stream.h2;

    h2_guard_charge(&h2->guard, H2_GUARD_HEAD);
    if (h2->role == H2_SERVER && !entry->stream.has_head)
        refuse_head(entry);
    else
        h2_entry_reset(entry, H2_ENHANCE_YOUR_CALM);
}

static bool is_informational(const struct headers *head) {
    const char *status = headers_get(head, ":status");
    return status && status[0] == '1';
}

/* A whole head or the trailers came. */
static void take_head(struct h2_entry *entry) {
    struct h2_stream *stream = &entry->stream;
    struct h2 *h2 = stream->h2;

    if (entry->head_size > h2->limits.header_bytes_max) {
        take_long_head(entry);
        return;
    }
    if (h2->role == H2_CLIENT && !stream->has_head && is_informational(&stream->head)) {
        headers_done(&stream->head);
        h2_guard_charge(&h2->guard, H2_GUARD_FRAME);
        return;
    }
    if (h2->role == H2_CLIENT && !stream->has_head)
        h2_guard_refill(&h2->guard, H2_GUARD_DONE);
    stream->has_head = true;
    h2_entry_tell(entry);
}

static void take_end(struct h2_entry *entry) {
    entry->stream.in_ended = true;
    h2_entry_tell(entry);
}

static void take_body_frame(struct h2 *h2, const nghttp2_frame *frame) {
    bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (!ends && frame->hd.length <= frame->data.padlen)
        h2_guard_charge(&h2->guard, H2_GUARD_FRAME);
}

static void take_reset(struct h2 *h2,
                       struct h2_entry *entry,
                       const nghttp2_frame *frame) {
    uint32_t code = frame->rst_stream.error_code;

    if (h2->role == H2_CLIENT)
        h2_guard_charge(&h2->guard, H2_GUARD_FRAME);
    else if (!h2->limits.trust_resets && !(entry && entry->responded))
        h2_guard_charge(&h2->guard, H2_GUARD_RESET);
    if (!entry)
        return;
    entry->stream.refused = h2->role == H2_CLIENT && code == H2_REFUSED_STREAM;
    h2_entry_close(entry, true, code);
}

/* Requests that have not left will never leave. */
static void refuse_unsent(struct h2 *h2) {
    list_for_each_safe(node, after, &h2->entries) {
        struct h2_entry *entry = container_of(node, struct h2_entry, node);
        if (entry->sent || !entry->engine_open || entry->stream.closed)
            continue;
        entry->stream.refused = true;
        h2_entry_reset(entry, H2_REFUSED_STREAM);
    }
}

static void take_goaway(struct h2 *h2, const nghttp2_frame *frame) {
    h2_guard_charge(&h2->guard, H2_GUARD_SETTINGS);
    h2->draining = true;
    h2->peer_code = frame->goaway.error_code;
    if (h2->role == H2_CLIENT)
        refuse_unsent(h2);
}

static void take_ping(struct h2 *h2, const nghttp2_frame *frame) {
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) && h2->pings_open > 0) {
        h2_ping_answered(h2, frame->ping.opaque_data);
    } else {
        h2_guard_charge(&h2->guard, H2_GUARD_FRAME);
    }
}

/* A new initial window is applied to each stream, so the cost grows with them. */
static void take_settings(struct h2 *h2, const nghttp2_frame *frame) {
    if (frame->hd.flags & NGHTTP2_FLAG_ACK)
        return;
    h2->greeted = true;
    h2_guard_charge(&h2->guard, H2_GUARD_SETTINGS + (int64_t)(h2->open / 16));
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    struct h2 *h2 = user;
    struct h2_entry *entry = entry_of(session, frame->hd.stream_id);

    if (entry && entry->stream.closed)
        entry = NULL;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (entry)
            take_head(entry);
        break;
    case NGHTTP2_DATA:
        take_body_frame(h2, frame);
        break;
    case NGHTTP2_RST_STREAM:
        take_reset(h2, entry, frame);
        return 0;
    case NGHTTP2_GOAWAY:
        take_goaway(h2, frame);
        return 0;
    case NGHTTP2_PING:
        take_ping(h2, frame);
        return 0;
    case NGHTTP2_SETTINGS:
        take_settings(h2, frame);
        return 0;
    default:
        h2_guard_charge(&h2->guard, H2_GUARD_FRAME);
        return 0;
    }
    if (entry && !entry->stream.closed && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        take_end(entry);
    return 0;
}

static int on_stream_close(nghttp2_session *session,
                           int32_t id,
                           uint32_t code,
                           void *user) {
    struct h2 *h2 = user;
    struct h2_entry *entry = entry_of(session, id);

    if (!entry)
        return 0;
    entry->engine_open = false;
    h2->open--;
    if (!entry->stream.closed && h2->role == H2_CLIENT)
        entry->stream.refused = code == H2_REFUSED_STREAM || !entry->sent;
    h2_entry_close(entry, code != H2_NO_ERROR, code);
    h2_entry_settle(entry);
    return 0;
}

/* Our END_STREAM has left. */
static void sent_end(struct h2 *h2, struct h2_entry *entry) {
    entry->end_sent = true;
    if (h2->role == H2_SERVER && entry->given) /* 431 is no work that was done */
        h2_guard_refill(&h2->guard, H2_GUARD_DONE);
    if (entry->ignoring && !entry->stream.in_ended && !entry->stream.closed)
        h2_entry_reset(entry, H2_NO_ERROR);
}

/* A reset that the peer's faults made us send costs like one of its own. */
static void sent_reset(struct h2 *h2, const struct h2_entry *entry) {
    if (entry && entry->our_reset)
        return;
    h2_guard_charge(&h2->guard,
                    h2->limits.trust_resets ? H2_GUARD_FRAME : H2_GUARD_RESET);
}

static int on_frame_sent(nghttp2_session *session,
                         const nghttp2_frame *frame,
                         void *user) {
    struct h2 *h2 = user;
    struct h2_entry *entry = entry_of(session, frame->hd.stream_id);
    uint8_t type = frame->hd.type;

    if (type == NGHTTP2_RST_STREAM)
        sent_reset(h2, entry);
    if (type == NGHTTP2_GOAWAY &&
        !((h2->leaving && frame->goaway.error_code == h2->leaving_code) ||
          (h2->noticed && frame->goaway.error_code == H2_NO_ERROR)))
        h2_fail(h2, frame->goaway.error_code);
    if (!entry || (type != NGHTTP2_HEADERS && type != NGHTTP2_DATA))
        return 0;
    entry->sent = true;
    h2_guard_useful(&h2->guard, frame->hd.length);
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        sent_end(h2, entry);
    return 0;
}

/* A head or trailers that cannot be sent leave a stream without an end. */
static int on_frame_not_sent(nghttp2_session *session,
                             const nghttp2_frame *frame,
                             int error,
                             void *user) {
    struct h2_entry *entry = entry_of(session, frame->hd.stream_id);

    if (!entry || frame->hd.type != NGHTTP2_HEADERS ||
        frame->headers.cat == NGHTTP2_HCAT_REQUEST || entry->stream.closed ||
        error == NGHTTP2_ERR_STREAM_CLOSED || error == NGHTTP2_ERR_STREAM_CLOSING)
        return 0;
    h2_entry_reset(entry, H2_INTERNAL_ERROR);
    return 0;
}

void h2_events_set(nghttp2_session_callbacks *callbacks) {
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks,
                                                             on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_body);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks,
                                                             on_frame_not_sent);
}
