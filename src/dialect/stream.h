/*
 * stream - roost.v1.Gateway/Connect, the protocol
 *
 * An agent in any language opens one bidirectional gRPC stream and stays on it: calls to
 * it, its answers, its samples and signs of life are messages there. Here is the hub's
 * side, over an invocation; who the agent is and where samples go is its owner's matter.
 * To others it is a target.
 *
 *   silent for 15 s -> ping -> silent for 10 s more -> over
 *   a message that breaks the rules -> over, with a status and a text
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "roost/v1/gateway.pb-c.h"

struct invocation;
struct loop;
struct stream;
struct target;

enum {
    STREAM_QUIET_MS = 15000, /* silence after which the agent is asked */
    STREAM_PONG_MS = 10000,  /* and the time it has to answer */
};

/* From inside stream_take(), but on_alive. Texts are static. */
struct stream_events {
    /* What it serves; NULL, or what is wrong with it: the stream ends. */
    const char *(*on_hello)(void *owner, const Roost__V1__ConnectRequest__Hello *hello);
    /* A catalogue or rows; likewise. */
    const char *(*on_samples)(void *owner, const Roost__V1__ConnectRequest *request);
    /* No calls are to come; it ends its side soon. */
    void (*on_goodbye)(void *owner);
    /* The sign of life that stream_probe() asked for. Later, from the loop. */
    void (*on_alive)(void *owner);
};

struct stream_config {
    struct loop *loop;             /* borrowed: outlives it */
    struct invocation *invocation; /* borrowed: until stream_free(), or its on_gone */
    const struct stream_events *events; /* borrowed: static */
    void *owner;
    size_t calls_max;
    size_t message_max; /* of a call's message */
    size_t header_bytes_max;
};

/* Copies the config. The owner gives it every message, tells it when the invocation was
 * drained, and frees it when that is gone. */
struct stream *stream_new(const struct stream_config *config);

/* Calls end with UNAVAILABLE and the text; the invocation is left alone. NULL is fine;
 * always returns NULL. */
struct stream *stream_free(struct stream *stream, const char *why);

/* A message of the agent; NULL: it has said all. */
void stream_take(struct stream *stream, const Roost__V1__ConnectRequest *request);

/* The agent took what waited. */
void stream_drained(struct stream *stream);

/* Sends; copies. */
void stream_send(struct stream *stream, const Roost__V1__ConnectResponse *response);

/* Where calls to the agent go. Lent. */
struct target *stream_target(struct stream *stream);

/* No call is led to it any more, and it is told so. */
void stream_leave(struct stream *stream);

/* Asks for a sign of life. */
void stream_probe(struct stream *stream);

/* Loop time of the last message. */
uint64_t stream_heard_ms(const struct stream *stream);

/* Why it is over, as in conn.h: 0 when the agent ended it. */
int stream_reason(const struct stream *stream);
