/*
 * However the bytes are cut, a session takes the same events and says the same. The first
 * byte chooses the steps and how many streams are open; what comes is taken at once, and
 * sent back as far as the window lets.
 */
#include <assert.h>
#include <errno.h>

#include "wire/yamux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STREAMS_MAX = 3 };

struct run {
    struct yamux *yamux;
    struct yamux_stream *streams[STREAMS_MAX];
    struct buf got[STREAMS_MAX];
    struct buf ends;
};

static void take(struct run *run, const struct yamux_event *event) {
    size_t at = event->stream ? *(size_t *)yamux_user(event->stream) : 0;

    switch (event->kind) {
    case YAMUX_DATA:
        assert(event->bytes.len <= YAMUX_WINDOW);
        buf_add_slice(&run->got[at], event->bytes);
        yamux_taken(event->stream, event->bytes.len);
        break;
    case YAMUX_WRITABLE:
        assert(yamux_room(event->stream) > 0);
        break;
    case YAMUX_ENDED:
        buf_printf(&run->ends, "end %zu;", at);
        yamux_end(event->stream);
        break;
    case YAMUX_RESET:
        buf_printf(&run->ends, "reset %zu;", at);
        yamux_release(event->stream);
        run->streams[at] = NULL;
        break;
    case YAMUX_AWAY:
        buf_printf(&run->ends, "away %u;", (unsigned)event->code);
        break;
    }
}

static int feed(struct run *run, struct slice bytes, size_t step, size_t count) {
    static size_t places[STREAMS_MAX] = { 0, 1, 2 };
    struct yamux_event event;
    int r = YAMUX_E_MORE;

    run->yamux = yamux_new();
    for (size_t i = 0; i < count; i++)
        run->streams[i] = yamux_open(run->yamux, &places[i]);
    for (size_t at = 0; at < bytes.len; at += step) {
        size_t n = bytes.len - at < step ? bytes.len - at : step;
        yamux_feed(run->yamux, slice_of(bytes.at + at, n));
        while ((r = yamux_next(run->yamux, &event)) == 0)
            take(run, &event);
        assert(r == YAMUX_E_MORE || r == -EPROTO);
    }
    yamux_drain(run->yamux, &run->ends);
    assert(!yamux_has_output(run->yamux));
    yamux_free(run->yamux);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct run whole = { 0 };
    struct run cut = { 0 };

    if (size < 2)
        return 0;
    size_t count = data[0] % (STREAMS_MAX + 1);
    struct slice bytes = slice_of(data + 1, size - 1);

    int r = feed(&whole, bytes, size, count);
    assert(feed(&cut, bytes, (size_t)(data[0] >> 2) + 1, count) == r);
    assert(slice_equal(buf_slice(&whole.ends), buf_slice(&cut.ends)));
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        assert(slice_equal(buf_slice(&whole.got[i]), buf_slice(&cut.got[i])));
        buf_done(&whole.got[i]);
        buf_done(&cut.got[i]);
    }
    buf_done(&whole.ends);
    buf_done(&cut.ends);
    return 0;
}
