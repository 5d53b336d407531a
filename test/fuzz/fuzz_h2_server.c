#include "wire/h2.h"

/*
 * Input: a byte that says how to cut the rest, then what a client sends. Its magic and
 * SETTINGS go first unless the top bit is set. The owner answers in ways that follow from
 * the stream's id.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(struct h2_stream *stream) {
    static const uint8_t body[3000];
    struct headers head = { 0 };

    headers_add(&head, ":status", "200");
    h2_respond(stream, &head, stream->id % 4 != 1);
    h2_stream_write(stream, slice_of(body, sizeof(body)));
    h2_stream_end(stream, stream->id % 8 == 3 ? &stream->head : NULL);
    headers_done(&head);
}

/* True when the stream was released. */
static bool serve(struct h2_stream *stream) {
    size_t len = stream->in.len;

    pipe_drop(&stream->in, len);
    h2_stream_consume(stream, len);
    if (!stream->user)
        answer(stream);
    stream->user = stream;
    if (stream->id % 16 == 5)
        h2_stream_reset(stream, H2_CANCEL);
    if (stream->id % 16 == 7)
        h2_stream_stop_reading(stream);
    if (!stream->closed && stream->id % 16 != 9)
        return false;
    h2_stream_release(stream);
    return true;
}

static void take_news(struct h2 *h2, struct h2_stream **kept, size_t max) {
    struct h2_stream *stream;

    while ((stream = h2_next(h2))) {
        bool fresh = !stream->user;
        bool released = serve(stream);
        for (size_t i = 0; i < max && released; i++)
            if (kept[i] == stream)
                kept[i] = NULL;
        for (size_t i = 0; i < max && fresh && !released; i++)
            if (!kept[i]) {
                kept[i] = stream;
                break;
            }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct h2_limits limits = { 16, 1024, 512, false };
    enum { KEPT = 64 };
    struct h2_stream *kept[KEPT] = { NULL };
    struct buf out = { 0 };

    if (size < 1)
        return 0;
    struct h2 *h2 = h2_new(H2_SERVER, &limits);
    if (!(data[0] & 0x80))
        h2_feed(h2, slice_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33));
    size_t step = (data[0] & 0x7f) + 1u;
    struct slice rest = slice_of(data + 1, size - 1);
    while (rest.len > 0) {
        size_t n = rest.len < step ? rest.len : step;
        int r = h2_feed(h2, slice_of(rest.at, n));
        take_news(h2, kept, KEPT);
        if (h2_drain(h2, &out, 4096) < 0 || r < 0)
            break;
        buf_clear(&out);
        rest = slice_after(rest, n);
    }
    take_news(h2, kept, KEPT);
    h2_free(h2);
    for (size_t i = 0; i < KEPT; i++)
        if (kept[i])
            h2_stream_release(kept[i]);
    buf_done(&out);
    return 0;
}
