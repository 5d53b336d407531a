#include "wire/h2.h"

/*
 * Input: a byte that says how to cut the rest, then what a server sends, behind SETTINGS
 * unless the top bit is set. Streams 1 to 7 are open: a GET, a POST that goes on, one
 * that has ended, one that is released at once.
 */
enum { COUNT = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_streams(struct h2 *h2, struct h2_stream **ret_streams) {
    static const uint8_t body[3000];
    struct headers head = { 0 };

    headers_add(&head, ":method", "POST");
    headers_add(&head, ":scheme", "https");
    headers_add(&head, ":authority", "a");
    headers_add(&head, ":path", "/");
    for (size_t i = 0; i < COUNT; i++)
        ret_streams[i] = h2_request(h2, &head, i > 0);
    h2_stream_write(ret_streams[1], slice_of(body, sizeof(body)));
    h2_stream_write(ret_streams[2], slice_of(body, sizeof(body)));
    h2_stream_end(ret_streams[2], &(struct headers) { 0 });
    headers_done(&head);
}

static void take_news(struct h2 *h2) {
    struct h2_stream *stream;

    while ((stream = h2_next(h2))) {
        size_t len = stream->in.len;
        pipe_drop(&stream->in, len);
        h2_stream_consume(stream, len);
        if (stream->in_ended && !stream->has_head)
            __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct h2_limits limits = { 16, 1024, 512, false };
    struct h2_stream *streams[COUNT];
    struct buf out = { 0 };

    if (size < 1)
        return 0;
    struct h2 *h2 = h2_new(H2_CLIENT, &limits);
    open_streams(h2, streams);
    h2_drain(h2, &out, SIZE_MAX);
    h2_stream_release(streams[3]);
    if (!(data[0] & 0x80))
        h2_feed(h2, slice_of("\0\0\0\4\0\0\0\0\0", 9));
    size_t step = (data[0] & 0x7f) + 1u;
    struct slice rest = slice_of(data + 1, size - 1);
    while (rest.len > 0) {
        size_t n = rest.len < step ? rest.len : step;
        int r = h2_feed(h2, slice_of(rest.at, n));
        take_news(h2);
        buf_clear(&out);
        if (h2_drain(h2, &out, 4096) < 0 || r < 0)
            break;
        rest = slice_after(rest, n);
    }
    take_news(h2);
    h2_free(h2);
    for (size_t i = 0; i < COUNT - 1; i++)
        h2_stream_release(streams[i]);
    buf_done(&out);
    return 0;
}
