/*
 * report_stream - a call of a node that tells how it goes, watched until it ends
 *
 * For commands that wait for a test: messages come as they are, signals go to the
 * command, which decides what an end is.
 */
#pragma once

#include <stdbool.h>

#include "wire/grpc.h"
#include "wire/pb.h"

struct cli;

struct report_stream {
    const char *node;
    const char *method;
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *reply_type;
    /* The message is lent. False: enough was heard. */
    bool (*on_message)(void *user, const ProtobufCMessage *message);
    /* SIGINT or SIGTERM; false: the call is given up. NULL: it always is. */
    bool (*on_signal)(void *user, int signo);
    void *user; /* borrowed: until report_stream_run() returns */
};

struct report_stream_end {
    enum grpc_status status; /* CANCELLED: it was given up, or enough was heard */
    char *message;           /* owned */
    int signo;               /* the one that came, or 0 */
};

/* Runs the call on the present connection until it ends. */
void report_stream_run(struct cli *cli,
                       const struct report_stream *stream,
                       struct report_stream_end *ret_end);
