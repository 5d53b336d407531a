/*
 * turn_call - the calls of a turn
 */
#pragma once

#include "chat/turn/turn.h"

/* One call: of the four ways to answer one is set, as in turn.h. */
struct turn_call_request {
    const char *node; /* NULL: the hub */
    const char *method;
    const ProtobufCMessage *message; /* NULL: bytes */
    struct slice bytes;
    turn_reply_fn *on_reply;
    turn_bytes_fn *on_bytes;
    const struct turn_stream_events *stream;      /* borrowed: static */
    const struct turn_bytes_events *bytes_stream; /* borrowed: static */
    void *arg;
};
void turn_call_start(struct turn *turn, const struct turn_call_request *request);

/* Ends all of them; no callback comes any more. */
void turn_call_end_all(struct turn *turn);
