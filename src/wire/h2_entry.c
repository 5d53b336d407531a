#include <stdlib.h>

#include "base/mem.h"
#include "wire/h2_internal.h"

struct h2_entry *h2_entry_new(struct h2 *h2, int32_t id, bool given) {
    struct h2_entry *entry = mem_new(sizeof(*entry));

    entry->stream.h2 = h2;
    entry->stream.id = id;
    pipe_init(&entry->stream.in);
    pipe_init(&entry->out);
    h2_window_init(&entry->window, h2->limits.window);
    list_init(&entry->news);
    entry->given = given;
    entry->engine_open = true;
    list_add_tail(&h2->entries, &entry->node);
    h2->open++;
    return entry;
}

void h2_entry_tell(struct h2_entry *entry) {
    if (!entry->released && !list_is_linked(&entry->news))
        list_add_tail(&entry->stream.h2->news, &entry->news);
}

void h2_entry_drop_output(struct h2_entry *entry) {
    pipe_done(&entry->out);
    headers_done(&entry->out_trailers);
}

void h2_entry_drop_input(struct h2_entry *entry) {
    pipe_done(&entry->stream.in);
    if (entry->credit > 0 && entry->engine_open && !entry->stream.closed)
        nghttp2_session_consume_stream(entry->stream.h2->session, entry->stream.id,
                                       entry->credit);
    entry->credit = 0;
}

void h2_entry_close(struct h2_entry *entry, bool was_reset, uint32_t code) {
    struct h2_stream *stream = &entry->stream;

    if (stream->closed)
        return;
    stream->closed = true;
    stream->was_reset = was_reset;
    stream->reset_code = code;
    h2_entry_drop_output(entry);
    h2_window_done(&entry->window, &stream->h2->path);
    if (entry->given)
        h2_entry_tell(entry);
    else
        entry->released = true;
}

void h2_entry_settle(struct h2_entry *entry) {
    if (!entry->released || entry->engine_open)
        return;
    list_remove(&entry->news);
    list_remove(&entry->node);
    headers_done(&entry->stream.head);
    headers_done(&entry->stream.trailers);
    pipe_done(&entry->stream.in);
    h2_entry_drop_output(entry);
    free(entry);
}

void h2_entry_reset(struct h2_entry *entry, uint32_t code) {
    struct h2_stream *stream = &entry->stream;

    if (entry->engine_open) {
        entry->our_reset = true;
        nghttp2_submit_rst_stream(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id,
                                  code);
    }
    h2_entry_close(entry, true, code);
}

void h2_entry_resume(struct h2_entry *entry) {
    if (!entry->deferred)
        return;
    entry->deferred = false;
    nghttp2_session_resume_data(entry->stream.h2->session, entry->stream.id);
}

/* RFC 9113, 8.2.1: a value neither starts nor ends with white space. */
static struct slice trim(struct slice text) {
    while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
        text = slice_after(text, 1);
    while (text.len > 0 &&
           (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
        text.len--;
    return text;
}

nghttp2_nv *h2_entry_fields(const struct headers *headers) {
    nghttp2_nv *fields = mem_new_array(headers->count, sizeof(*fields));

    for (size_t i = 0; i < headers->count; i++) {
        const struct header *from = &headers->fields[i];
        struct slice value = trim(slice_of(from->value, from->value_len));
        /* The engine copies: it takes the pointers as not const, and only reads. */
        fields[i] = (nghttp2_nv) {
            .name = (uint8_t *)(uintptr_t)from->name,
            .value = (uint8_t *)(uintptr_t)value.at,
            .namelen = from->name_len,
            .valuelen = value.len,
        };
    }
    return fields;
}

static void submit_trailers(struct h2_entry *entry) {
    auto_(mem_freep) nghttp2_nv *fields = h2_entry_fields(&entry->out_trailers);
    nghttp2_submit_trailer(entry->stream.h2->session, entry->stream.id, fields,
                           entry->out_trailers.count);
}

/* The owner saw a full output: tell it once half of it has gone. */
static void tell_of_room(struct h2_entry *entry) {
    if (!entry->wants_room || entry->out.len > H2_OUTPUT_MAX / 2)
        return;
    entry->wants_room = false;
    h2_entry_tell(entry);
}

static ssize_t on_read_body(nghttp2_session *session,
                            int32_t id,
                            uint8_t *to,
                            size_t room,
                            uint32_t *flags,
                            nghttp2_data_source *source,
                            void *user) {
    struct h2_entry *entry = source->ptr;

    /* A closed stream's output was dropped: its end must not look like a whole body. */
    if (entry->stream.closed || (entry->out.len == 0 && !entry->out_ended)) {
        entry->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    size_t len = entry->out.len < room ? entry->out.len : room;
    pipe_copy(&entry->out, to, len);
    pipe_drop(&entry->out, len);
    tell_of_room(entry);
    if (entry->out.len == 0 && entry->out_ended) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (entry->out_trailers.count > 0) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            submit_trailers(entry);
        }
    }
    return (ssize_t)len;
}

nghttp2_data_provider h2_entry_source(struct h2_entry *entry) {
    return (nghttp2_data_provider) { .source.ptr = entry, .read_callback = on_read_body };
}
