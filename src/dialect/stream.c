#include "dialect/stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "dialect/stream_calls.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/target.h"

enum { UNREAD_MAX = 4 << 20 }; /* bytes of ours that an agent leaves unread */

struct stream {
    struct target target;
    struct stream_config config;
    struct stream_calls *calls; /* owned */
    struct timer silence;
    struct task alive; /* tells of a sign of life */
    uint64_t heard_ms; /* loop time */
    uint64_t pings;
    bool is_asked;   /* a ping is out because of the silence */
    bool is_probed;  /* ... or because of stream_probe() */
    bool is_leaving; /* no new calls */
    bool is_over;
    int reason;
};

/* The status and the text reach the agent; the invocation tells its owner of the end. */
static void finish(struct stream *stream,
                   enum grpc_status status,
                   const char *text,
                   int reason) {
    if (stream->is_over)
        return;
    stream->is_over = true;
    stream->reason = reason;
    timer_stop(&stream->silence);
    invocation_finish(stream->config.invocation, status, "%s", text);
}

void stream_send(struct stream *stream, const Roost__V1__ConnectResponse *response) {
    if (stream->is_over)
        return;
    invocation_send(stream->config.invocation, &response->base);
    if (invocation_waiting(stream->config.invocation) > UNREAD_MAX)
        finish(stream, GRPC_RESOURCE_EXHAUSTED, "the agent does not read", -EPROTO);
}

static void on_calls_send(void *owner, const Roost__V1__ConnectResponse *response) {
    stream_send(owner, response);
}

static size_t on_calls_waiting(const void *owner) {
    const struct stream *stream = owner;
    return stream->is_over ? SIZE_MAX : invocation_waiting(stream->config.invocation);
}

static void send_ping(struct stream *stream) {
    Roost__V1__ConnectResponse response = ROOST__V1__CONNECT_RESPONSE__INIT;

    response.kind_case = ROOST__V1__CONNECT_RESPONSE__KIND_PING;
    response.ping = ++stream->pings;
    stream_send(stream, &response);
}

static void on_silence(struct timer *timer) {
    struct stream *stream = container_of(timer, struct stream, silence);
    uint64_t silent_ms = loop_now_ms(stream->config.loop) - stream->heard_ms;

    if (silent_ms < STREAM_QUIET_MS) {
        stream->is_asked = false;
        timer_start(stream->config.loop, timer, STREAM_QUIET_MS - silent_ms);
    } else if (!stream->is_asked) {
        stream->is_asked = true;
        timer_start(stream->config.loop, timer, STREAM_PONG_MS);
        send_ping(stream);
    } else {
        finish(stream, GRPC_UNAVAILABLE, "no sign of life", -ETIMEDOUT);
    }
}

static void run_alive(struct task *task) {
    struct stream *stream = container_of(task, struct stream, alive);
    stream->config.events->on_alive(stream->config.owner);
}

static void hear(struct stream *stream) {
    stream->heard_ms = loop_now_ms(stream->config.loop);
    if (!stream->is_probed)
        return;
    stream->is_probed = false;
    loop_post(stream->config.loop, &stream->alive);
}

static void answer_ping(struct stream *stream, uint64_t number) {
    Roost__V1__ConnectResponse response = ROOST__V1__CONNECT_RESPONSE__INIT;

    response.kind_case = ROOST__V1__CONNECT_RESPONSE__KIND_PONG;
    response.pong = number;
    stream_send(stream, &response);
}

static void take_for_owner(struct stream *stream,
                           const Roost__V1__ConnectRequest *request) {
    const struct stream_events *events = stream->config.events;
    void *owner = stream->config.owner;
    const char *fault = request->kind_case == ROOST__V1__CONNECT_REQUEST__KIND_HELLO
                            ? events->on_hello(owner, request->hello)
                            : events->on_samples(owner, request);

    if (fault)
        finish(stream, GRPC_INVALID_ARGUMENT, fault, -EPROTO);
}

static void take_for_calls(struct stream *stream,
                           const Roost__V1__ConnectRequest *request) {
    struct stream_fault fault;

    if (!stream_calls_take(stream->calls, request, &fault))
        finish(stream, fault.status, fault.text, -EPROTO);
}

void stream_take(struct stream *stream, const Roost__V1__ConnectRequest *request) {
    if (stream->is_over)
        return;
    hear(stream);
    if (!request) {
        finish(stream, GRPC_OK, "", 0);
        return;
    }
    switch (request->kind_case) {
    case ROOST__V1__CONNECT_REQUEST__KIND_HELLO:
    case ROOST__V1__CONNECT_REQUEST__KIND_CATALOGUE:
    case ROOST__V1__CONNECT_REQUEST__KIND_ROWS:
        take_for_owner(stream, request);
        break;
    case ROOST__V1__CONNECT_REQUEST__KIND_REPLY_HEAD:
    case ROOST__V1__CONNECT_REQUEST__KIND_REPLY_MESSAGE:
    case ROOST__V1__CONNECT_REQUEST__KIND_REPLY_END:
    case ROOST__V1__CONNECT_REQUEST__KIND_CREDIT:
        take_for_calls(stream, request);
        break;
    case ROOST__V1__CONNECT_REQUEST__KIND_PING:
        answer_ping(stream, request->ping);
        break;
    case ROOST__V1__CONNECT_REQUEST__KIND_GOODBYE:
        stream->is_leaving = true;
        stream->config.events->on_goodbye(stream->config.owner);
        break;
    default:
        break; /* a pong, which hear() has noticed, or what a newer agent says */
    }
}

static void start(struct target *target, struct call *call) {
    struct stream *stream = container_of(target, struct stream, target);

    if (stream->is_over)
        call_finish(call, GRPC_UNAVAILABLE, "the connection was lost", NULL);
    else if (stream->is_leaving)
        call_finish(call, GRPC_UNAVAILABLE, "the node is about to leave", NULL);
    else
        stream_calls_start(stream->calls, call);
}

struct stream *stream_new(const struct stream_config *config) {
    struct stream *stream = mem_new(sizeof(*stream));
    struct stream_calls_config calls = {
        .calls_max = config->calls_max,
        .message_max = config->message_max,
        .header_bytes_max = config->header_bytes_max,
        .send = on_calls_send,
        .waiting = on_calls_waiting,
        .owner = stream,
    };

    *stream = (struct stream) {
        .target.start = start,
        .config = *config,
        .calls = stream_calls_new(&calls),
        .silence.fire = on_silence,
        .alive.run = run_alive,
        .heard_ms = loop_now_ms(config->loop),
        .reason = -ECONNRESET,
    };
    timer_start(config->loop, &stream->silence, STREAM_QUIET_MS);
    return stream;
}

struct stream *stream_free(struct stream *stream, const char *why) {
    if (!stream)
        return NULL;
    stream->is_over = true;
    timer_stop(&stream->silence);
    loop_cancel(&stream->alive);
    stream_calls_free(stream->calls, why);
    free(stream);
    return NULL;
}

void stream_drained(struct stream *stream) {
    if (!stream->is_over)
        stream_calls_pump(stream->calls);
}

struct target *stream_target(struct stream *stream) {
    return &stream->target;
}

void stream_leave(struct stream *stream) {
    Roost__V1__ConnectResponse response = ROOST__V1__CONNECT_RESPONSE__INIT;
    Roost__V1__Goodbye goodbye = ROOST__V1__GOODBYE__INIT;

    if (stream->is_leaving)
        return;
    stream->is_leaving = true;
    response.kind_case = ROOST__V1__CONNECT_RESPONSE__KIND_GOODBYE;
    response.goodbye = &goodbye;
    stream_send(stream, &response);
}

void stream_probe(struct stream *stream) {
    stream->is_probed = true;
    send_ping(stream);
}

uint64_t stream_heard_ms(const struct stream *stream) {
    return stream->heard_ms;
}

int stream_reason(const struct stream *stream) {
    return stream->reason;
}
