/* However the bytes are cut, the reader says the same. The first byte chooses. */
#include <assert.h>
#include <stdlib.h>

#include "wire/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_MAX = 1024 };

static void describe(struct buf *out, struct http1_message *message) {
    for (size_t i = 0; i < message->head.count; i++)
        buf_printf(out, "%s=%s;", message->head.fields[i].name,
                   message->head.fields[i].value);
    buf_printf(out, "%d%d%zu\n", message->keep_alive, message->upgrade,
               message->body.len);
    while (message->body.len > 0) {
        struct slice part = pipe_peek(&message->body);
        buf_add_slice(out, part);
        pipe_drop(&message->body, part.len);
    }
}

static int feed(struct http1 *http1, struct slice bytes, struct buf *out) {
    while (bytes.len > 0) {
        size_t taken = bytes.len + 1;
        int r = http1_feed(http1, bytes, &taken);
        assert(taken <= bytes.len);
        if (r != 0)
            return r;
        bytes = slice_after(bytes, taken);
        if (http1_message(http1)->ended) {
            describe(out, http1_message(http1));
            http1_next(http1);
        }
    }
    return 0;
}

static int run(enum http1_kind kind, struct slice bytes, size_t step, struct buf *out) {
    struct http1 *http1 = http1_new(kind, HEAD_MAX);
    int r = 0;
    for (size_t at = 0; r == 0 && at < bytes.len; at += step)
        r = feed(http1,
                 slice_of(bytes.at + at, bytes.len - at < step ? bytes.len - at : step),
                 out);
    if (r == 0)
        r = http1_finish(http1);
    if (r == 0)
        describe(out, http1_message(http1));
    http1_free(http1);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    enum http1_kind kind = data[0] & 1 ? HTTP1_RESPONSE : HTTP1_REQUEST;
    struct slice bytes = slice_of(data + 1, size - 1);
    struct buf whole, cut;
    buf_init(&whole);
    buf_init(&cut);

    int r = run(kind, bytes, size, &whole);
    int again = run(kind, bytes, (size_t)(data[0] >> 1) % 16 + 1, &cut);

    /* What is wrong and what is too long may be met in another order. */
    assert((r == 0) == (again == 0));
    assert(slice_equal(buf_slice(&whole), buf_slice(&cut)));
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
