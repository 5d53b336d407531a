/*
 * However the bytes are cut, a session takes the same messages and ends the same way. The
 * first byte chooses the side and the steps; the rest are frames, whose masks nobody
 * needs to guess: any four bytes will do.
 */
#include <assert.h>
#include <errno.h>

#include "wire/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGE_MAX = 1024 };

static int run(bool is_client, struct slice bytes, size_t step, struct buf *out) {
    struct ws *ws = ws_new(is_client, MESSAGE_MAX);
    struct ws_message message;
    struct buf sent;
    int r = 0;
    buf_init(&sent);

    for (size_t at = 0; r == 0 && at < bytes.len; at += step) {
        size_t n = bytes.len - at < step ? bytes.len - at : step;
        r = ws_feed(ws, slice_of(bytes.at + at, n));
        assert(r == 0 || r == -EPROTO);
        while (ws_next(ws, &message)) {
            assert(message.bytes.len <= MESSAGE_MAX);
            buf_printf(out, "%d:%zu:", (int)message.opcode, message.bytes.len);
            buf_add_slice(out, message.bytes);
            ws_send(ws, message.opcode, message.bytes);
        }
        if (ws_has_output(ws))
            ws_drain(ws, &sent);
        assert(!ws_has_output(ws));
    }
    assert(r == 0 || ws_is_closed(ws));
    buf_printf(out, "%u %d %llu", ws_close_code(ws), ws_is_closed(ws),
               (unsigned long long)ws_pongs(ws));
    buf_done(&sent);
    ws_free(ws);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    bool is_client = data[0] & 1;
    struct slice bytes = slice_of(data + 1, size - 1);
    struct buf whole, cut;
    buf_init(&whole);
    buf_init(&cut);

    int r = run(is_client, bytes, size, &whole);
    int again = run(is_client, bytes, (size_t)(data[0] >> 1) % 16 + 1, &cut);
    assert(r == again);
    assert(slice_equal(buf_slice(&whole), buf_slice(&cut)));
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
