#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/slice.h"
#include "dialect/stream_calls.h"
#include "loop/loop.h"
#include "rpc/call.h"
#include "wire/pb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { CALLS = 3, REPLY_MAX = 2 * CALL_PIPE_MAX };

static void on_send(void *owner, const Roost__V1__ConnectResponse *response) {
    if (!protobuf_c_message_check(&response->base))
        abort();
}

static size_t on_waiting(const void *owner) {
    return 0;
}

static void on_caller(struct call *call, void *user) {
}

/* Messages of a hostile agent, each behind its length in two bytes: while calls are under
 * way whose callers take nothing, no more may wait for them than a window holds. */
static void feed(struct stream_calls *calls,
                 struct call *const *under_way,
                 const uint8_t *data,
                 size_t len) {
    bool is_good = true;

    while (len >= 2 && is_good) {
        size_t part = (size_t)(data[0] | data[1] << 8);
        ProtobufCMessage *message = NULL;
        struct stream_fault fault;
        data += 2;
        len -= 2;
        part = part < len ? part : len;
        if (pb_unpack(&roost__v1__connect_request__descriptor, slice_of(data, part),
                      &message) == 0) {
            Roost__V1__ConnectRequest *request = (Roost__V1__ConnectRequest *)message;
            if (request->kind_case >= ROOST__V1__CONNECT_REQUEST__KIND_REPLY_HEAD &&
                request->kind_case <= ROOST__V1__CONNECT_REQUEST__KIND_CREDIT)
                is_good = stream_calls_take(calls, request, &fault);
        }
        pb_free(message);
        data += part;
        len -= part;
        for (size_t i = 0; i < CALLS; i++)
            if (under_way[i]->reply.len > REPLY_MAX)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct loop *loop = loop_new();
    struct stream_calls_config config = {
        .calls_max = CALLS,
        .message_max = 1 << 20,
        .header_bytes_max = 4096,
        .send = on_send,
        .waiting = on_waiting,
    };
    struct stream_calls *calls = stream_calls_new(&config);
    struct call_half caller = { .on_wake = on_caller };
    struct call *under_way[CALLS];

    for (size_t i = 0; i < CALLS; i++) {
        under_way[i] = call_new(loop, "/a.B/C", &caller);
        stream_calls_start(calls, under_way[i]);
    }
    feed(calls, under_way, data, len);
    for (size_t i = 0; i < CALLS; i++)
        call_detach_caller(under_way[i]);
    loop_settle(loop);
    stream_calls_free(calls, "over");
    loop_free(loop);
    return 0;
}
