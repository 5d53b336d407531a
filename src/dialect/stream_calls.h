/*
 * stream_calls - calls as messages on one stream
 *
 * Each call that comes gets an id; what its caller says goes out as messages of
 * roost.v1.ConnectResponse, and what the far side answers comes in. A call has 64 KiB of
 * messages under way in each direction at most, so that one that nobody takes leaves the
 * stream to the others. Between calls it is fair: a part of each in turn.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "roost/v1/gateway.pb-c.h"
#include "wire/grpc.h"

struct call;
struct stream_calls;

enum {
    STREAM_CALLS_PART_MAX = 32768, /* of a message at once: small beside a window */
    STREAM_CALLS_PART_COST = 5,    /* what a part counts besides its bytes */
    STREAM_CALLS_WAITING_MAX =
        49152, /* bytes that wait for the far side, before calls have to wait */
    STREAM_CALLS_STUCK_MAX = 1 << 20, /* and before new ones are refused */
};

struct stream_calls_config {
    size_t calls_max;
    size_t message_max; /* of one message, either way */
    size_t header_bytes_max;
    /* Sends; copies. */
    void (*send)(void *owner, const Roost__V1__ConnectResponse *response);
    /* Bytes that were sent and not taken yet. */
    size_t (*waiting)(const void *owner);
    void *owner; /* borrowed: outlives it */
};

/* What the far side must not do; the stream is to be ended. */
struct stream_fault {
    enum grpc_status status;
    const char *text; /* static */
};

struct stream_calls *stream_calls_new(const struct stream_calls_config *config);

/* Calls end with UNAVAILABLE and the text; none is sent any more. Always returns NULL. */
struct stream_calls *stream_calls_free(struct stream_calls *calls, const char *why);

/* Takes a call: attaches to it, or finishes it. */
void stream_calls_start(struct stream_calls *calls, struct call *call);

/* Calls under way. */
size_t stream_calls_count(const struct stream_calls *calls);

/* One of the answers: reply_head, reply_message, reply_end, credit. False and *ret_fault
 * when it breaks the rules. What is said of calls that are over is ignored. */
bool stream_calls_take(struct stream_calls *calls,
                       const Roost__V1__ConnectRequest *request,
                       struct stream_fault *ret_fault);

/* The far side took what waited. */
void stream_calls_pump(struct stream_calls *calls);
