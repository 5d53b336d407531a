/* Takes messages and reads header values; what was read is written and read again. */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "wire/grpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGE_MAX = 65536 };

static void check_again(struct slice message) {
    struct buf wire, back;
    struct pipe pipe;
    size_t taken;
    buf_init(&wire);
    buf_init(&back);
    pipe_init(&pipe);

    grpc_message_add(&wire, message, GRPC_GZIP);
    pipe_add(&pipe, buf_slice(&wire));
    int r = grpc_message_take(&pipe, GRPC_GZIP, MESSAGE_MAX, &back, &taken);
    assert(r == 0 && taken == wire.len && slice_equal(message, buf_slice(&back)));
    buf_done(&wire);
    buf_done(&back);
}

static void take_messages(struct slice bytes, enum grpc_encoding encoding, size_t step) {
    struct pipe pipe;
    struct buf message;
    int r = GRPC_E_MORE;
    pipe_init(&pipe);
    buf_init(&message);

    for (size_t at = 0; r == GRPC_E_MORE && at < bytes.len; at += step) {
        size_t n = bytes.len - at < step ? bytes.len - at : step;
        pipe_add(&pipe, slice_of(bytes.at + at, n));
        size_t before = pipe.len, taken = 0;
        while ((r = grpc_message_take(&pipe, encoding, MESSAGE_MAX, &message, &taken)) ==
               0) {
            assert(before - pipe.len == taken && message.len <= MESSAGE_MAX);
            check_again(buf_slice(&message));
            before = pipe.len;
        }
    }
    pipe_done(&pipe);
    buf_done(&message);
}

static void read_values(const char *text) {
    struct buf plain, wire, again;
    uint64_t ms, back;
    char written[16];
    buf_init(&plain);
    buf_init(&wire);
    buf_init(&again);

    grpc_text_decode(&plain, text);
    grpc_text_encode(&wire, buf_text(&plain));
    grpc_text_decode(&again, buf_text(&wire));
    assert(slice_equal(buf_slice(&plain), buf_slice(&again)));
    if (grpc_timeout_parse(text, &ms)) {
        grpc_timeout_write(ms, written);
        assert(grpc_timeout_parse(written, &back) && back >= ms);
    }
    grpc_is_content_type(text);
    buf_done(&plain);
    buf_done(&wire);
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    struct slice bytes = slice_of(data + 1, size - 1);
    take_messages(bytes, data[0] & 1 ? GRPC_GZIP : GRPC_IDENTITY,
                  (size_t)(data[0] >> 1) + 1);
    auto_(mem_freep) char *text = mem_dup(bytes.at, bytes.len);
    read_values(text);
    return 0;
}
