#include "wire/h2_internal.h"

enum { /* credit is told in such parts of a window: of the first one, of one that grew */
       NEAR_PART = 2,
       FAR_PART = 16,
};

/* May anything still leave on it? */
static bool can_send(const struct h2_entry *entry) {
    return !entry->stream.closed && !entry->out_ended;
}

bool h2_stream_is_sent(const struct h2_stream *stream) {
    return h2_entry_of(stream)->sent;
}

size_t h2_stream_room(const struct h2_stream *stream) {
    struct h2_entry *entry = h2_entry_of(stream);

    if (!can_send(entry))
        return 0;
    if (entry->out.len < H2_OUTPUT_MAX)
        return H2_OUTPUT_MAX - entry->out.len;
    entry->wants_room = true;
    return 0;
}

void h2_stream_write(struct h2_stream *stream, struct slice bytes) {
    struct h2_entry *entry = h2_entry_of(stream);

    if (!can_send(entry) || bytes.len == 0)
        return;
    pipe_add(&entry->out, bytes);
    h2_entry_resume(entry);
    h2_touch(stream->h2);
}

size_t h2_stream_write_from(struct h2_stream *stream, struct pipe *from, size_t max) {
    struct h2_entry *entry = h2_entry_of(stream);
    size_t room = h2_stream_room(stream);

    size_t moved = pipe_move(&entry->out, from, max < room ? max : room);
    if (from->len > 0 && entry->out.len >= H2_OUTPUT_MAX)
        entry->wants_room = true;
    if (moved > 0) {
        h2_entry_resume(entry);
        h2_touch(stream->h2);
    }
    return moved;
}

void h2_stream_end(struct h2_stream *stream, struct headers *trailers) {
    struct h2_entry *entry = h2_entry_of(stream);

    if (!can_send(entry))
        return;
    entry->out_ended = true;
    if (trailers)
        headers_move(&entry->out_trailers, trailers);
    h2_entry_resume(entry);
    h2_touch(stream->h2);
}

void h2_stream_reset(struct h2_stream *stream, enum h2_error code) {
    struct h2_entry *entry = h2_entry_of(stream);

    if (stream->closed)
        return;
    h2_entry_reset(entry, code);
    list_remove(&entry->news);
    h2_touch(stream->h2);
}

/* Drops what still comes; the reset follows our END_STREAM, at once if that has left. */
static void ignore_input(struct h2_entry *entry) {
    entry->ignoring = true;
    h2_entry_drop_input(entry);
    if (entry->end_sent && !entry->stream.in_ended && !entry->stream.closed)
        h2_entry_reset(entry, H2_NO_ERROR);
}

void h2_stream_stop_reading(struct h2_stream *stream) {
    struct h2_entry *entry = h2_entry_of(stream);

    if (stream->closed || entry->ignoring)
        return;
    ignore_input(entry);
    list_remove(&entry->news);
    h2_touch(stream->h2);
}

static void resize_window(struct h2_entry *entry, int32_t by) {
    nghttp2_session *session = entry->stream.h2->session;
    int32_t id = entry->stream.id;
    int32_t size = nghttp2_session_get_stream_effective_local_window_size(session, id);

    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, id, size + by);
}

/*
 * Tells the peer of its credit, in parts of the window. The engine would by itself wait
 * for a half: what is less than that stays with us, and a far sender that is idle
 * meanwhile gets through half a window in a round trip.
 */
static void tell_credit(struct h2_entry *entry, size_t due) {
    const struct h2_window *window = &entry->window;
    size_t part = window->size / (window->size > window->first ? FAR_PART : NEAR_PART);

    entry->owed += due;
    if (entry->owed < part)
        return;
    nghttp2_submit_window_update(entry->stream.h2->session, NGHTTP2_FLAG_NONE,
                                 entry->stream.id, (int32_t)entry->owed);
    entry->owed = 0;
}

/* Gives the credit that is due for so many bytes: less when the window shrinks, more when
 * it grows. The engine takes the bytes by which a window shrank for received again when
 * it grows, so they are consumed then. It looks whether to tell the peer only when it is
 * told of bytes, so that comes after the window has shrunk. */
static void give_credit(struct h2_entry *entry, size_t taken) {
    struct h2 *h2 = entry->stream.h2;
    size_t due =
        h2_window_take(&entry->window, &h2->path, taken, entry->credit == 0, h2->now_us);

    if (due < taken) {
        resize_window(entry, -(int32_t)(taken - due));
        entry->shrunk += taken - due;
    } else if (due > taken) {
        size_t again = due - taken < entry->shrunk ? due - taken : entry->shrunk;
        resize_window(entry, (int32_t)(due - taken));
        entry->shrunk -= again;
        due = taken + again;
    }
    tell_credit(entry, due);
}

void h2_stream_consume(struct h2_stream *stream, size_t n) {
    struct h2_entry *entry = h2_entry_of(stream);
    size_t taken = n < entry->credit ? n : entry->credit;

    entry->credit -= taken;
    if (taken == 0 || stream->closed || stream->in_ended)
        return;
    give_credit(entry, taken);
    h2_touch(stream->h2);
}

/* Does the rest need no owner? A server's answer that has ended, or both sides' ends. */
static bool can_end_alone(const struct h2_entry *entry) {
    bool server = entry->stream.h2->role == H2_SERVER;
    return entry->out_ended && (entry->stream.in_ended || (server && entry->responded));
}

void h2_stream_release(struct h2_stream *stream) {
    struct h2_entry *entry = h2_entry_of(stream);
    struct h2 *h2 = stream->h2;

    entry->released = true;
    list_remove(&entry->news);
    if (!stream->closed && can_end_alone(entry))
        ignore_input(entry);
    else if (!stream->closed)
        h2_entry_reset(entry, H2_CANCEL);
    h2_entry_settle(entry);
    if (h2)
        h2_touch(h2);
}
