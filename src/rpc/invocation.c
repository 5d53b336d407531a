#include "rpc/invocation.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "rpc/call.h"
#include "rpc/inbox.h"
#include "wire/pb.h"

struct invocation {
    struct list node;  /* in the list of those that run */
    struct call *call; /* reference: we are its callee */
    struct invocation_config config;
    struct inbox inbox;
    struct buf request; /* the one message of a unary request; a stream's until handled */
    void *user;         /* borrowed: the handler */
    void (*on_gone)(struct invocation *invocation, void *user);
    void (*on_drained)(struct invocation *invocation, void *user);
    enum grpc_encoding reply_encoding;
    bool has_request; /* the one request is here */
    bool handled;     /* ... and was given */
    bool said_end;    /* the end of the requests was given */
    bool lingers;     /* services_stop() leaves it alone */
    bool was_waiting; /* reply bytes waited at the last look */
};

static bool is_stream_in(const struct invocation *it) {
    enum service_kind kind = it->config.method->kind;
    return kind == SERVICE_CLIENT_STREAM || kind == SERVICE_BIDI;
}

static void end(struct invocation *it) {
    if (it->on_gone)
        it->on_gone(it, it->user);
    list_remove(&it->node);
    struct call *call = TAKE(it->call);
    inbox_done(&it->inbox);
    buf_done(&it->request);
    free(it);
    call_detach_callee(call);
}

static void handle(struct invocation *it, const ProtobufCMessage *request) {
    it->config.method->handle(it->config.arg, it, request);
}

static void fail_take(struct invocation *it, int error) {
    if (error == GRPC_E_TOO_LONG)
        call_fail(it->call, GRPC_RESOURCE_EXHAUSTED,
                  "a message is over the limit of %zu bytes", it->inbox.message_max);
    else
        call_finish(it->call, GRPC_INTERNAL, "malformed message frame", NULL);
}

/* Takes the next whole message: false when there is none; a bad one ends the call. */
static bool take_message(struct invocation *it, struct buf *ret_bytes) {
    struct call *call = it->call;
    size_t taken = 0;

    int r = inbox_take(&it->inbox, &call->request, ret_bytes, &taken);
    call->held = inbox_part_len(&it->inbox) + (r == 0 ? ret_bytes->len : 0);
    if (taken > 0)
        call_request_taken(call);
    if (r > GRPC_E_MORE)
        fail_take(it, r);
    else if (r == GRPC_E_MORE && call->request_ended && inbox_part_len(&it->inbox) > 0)
        call_finish(call, GRPC_INTERNAL, "the request ended inside a message", NULL);
    return r == 0;
}

/* Unpacks a message and gives it to the handler; one that is none ends the call. */
static void hand_over(struct invocation *it, struct slice bytes) {
    ProtobufCMessage *message = NULL;

    int r = pb_unpack(it->config.request_type, bytes, &message);
    if (r == PB_E_TOO_BIG) {
        call_finish(it->call, GRPC_RESOURCE_EXHAUSTED,
                    "the message nests too deep or unpacks too big", NULL);
        return;
    }
    if (r != 0) {
        call_fail(it->call, GRPC_INTERNAL, "not a message of type %s",
                  it->config.request_type->name);
        return;
    }
    handle(it, message);
    pb_free(message);
}

/* A unary request is exactly one message; it is handed over when the caller has ended. */
static void take_one(struct invocation *it) {
    struct call *call = it->call;

    if (it->handled)
        return;
    if (!it->has_request)
        it->has_request = take_message(it, &it->request);
    if (call->finished)
        return;
    if (it->has_request && call->request.len > 0)
        call_finish(call, GRPC_UNIMPLEMENTED, "the method takes one request message",
                    NULL);
    else if (call->request_ended && !it->has_request)
        call_finish(call, GRPC_UNIMPLEMENTED, "the request message is missing", NULL);
    else if (call->request_ended) {
        it->handled = true;
        hand_over(it, buf_slice(&it->request));
        if (it->config.method->kind != SERVICE_UNARY)
            buf_done(&it->request); /* a stream may last */
    }
}

static void take_stream(struct invocation *it) {
    struct call *call = it->call;
    struct buf bytes = { 0 };

    while (!call->finished && call->reply.len < CALL_PIPE_MAX && take_message(it, &bytes))
        hand_over(it, buf_slice(&bytes));
    buf_done(&bytes);
    if (!call->finished && call->request_ended && call->request.len == 0 &&
        inbox_part_len(&it->inbox) == 0 && !it->said_end) {
        it->said_end = true;
        handle(it, NULL);
    }
}

static void on_wake(struct call *call, void *user) {
    struct invocation *it = user;

    if (!call->finished) {
        if (is_stream_in(it))
            take_stream(it);
        else
            take_one(it);
    }
    if (!call->finished && it->was_waiting && call->reply.len == 0) {
        it->was_waiting = false;
        if (it->on_drained)
            it->on_drained(it, it->user);
    }
    if (call->finished)
        end(it);
}

/* grpc-accept-encoding names gzip and the call did not ask for identity. */
static enum grpc_encoding choose_reply_encoding(const struct call *call) {
    const char *used = headers_get(&call->metadata, "grpc-encoding");
    bool may = headers_has_token(&call->metadata, "grpc-accept-encoding", "gzip");
    return may && used && strcmp(used, "gzip") == 0 ? GRPC_GZIP : GRPC_IDENTITY;
}

void invocation_start(struct call *call, const struct invocation_config *config) {
    const char *encoding = headers_get(&call->metadata, "grpc-encoding");
    enum grpc_encoding request_encoding;
    struct headers trailers;

    if (!grpc_encoding_parse(encoding, &request_encoding)) {
        headers_init(&trailers);
        headers_add(&trailers, "grpc-accept-encoding", "identity,gzip");
        call_finish(call, GRPC_UNIMPLEMENTED, "the message encoding is not supported",
                    &trailers);
        headers_done(&trailers);
        return;
    }
    struct invocation *it = mem_new(sizeof(*it));
    struct call_half callee = { .on_wake = on_wake, .user = it };
    *it = (struct invocation) {
        .call = call,
        .config = *config,
        .reply_encoding = choose_reply_encoding(call),
    };
    inbox_init(&it->inbox, config->message_max);
    it->inbox.encoding = request_encoding;
    list_add_tail(config->running, &it->node);
    call_attach_callee(call, &callee);
    loop_post(call->loop, &call->wake_callee);
}

void invocation_stop_streams(const struct list *running) {
    list_for_each_safe(node, after, running) {
        struct invocation *it = container_of(node, struct invocation, node);
        if (it->config.method->kind != SERVICE_UNARY && !it->lingers)
            call_finish(it->call, GRPC_UNAVAILABLE, "the server stops", NULL);
    }
}

struct call *invocation_call(const struct invocation *invocation) {
    return invocation->call;
}

struct slice invocation_request(const struct invocation *invocation) {
    return buf_slice(&invocation->request);
}

void invocation_set_user(struct invocation *invocation,
                         void *user,
                         void (*on_gone)(struct invocation *invocation, void *user)) {
    invocation->user = user;
    invocation->on_gone = on_gone;
}

void invocation_linger(struct invocation *invocation) {
    invocation->lingers = true;
}

void *invocation_user(const struct invocation *invocation) {
    return invocation->user;
}

static void send_head(struct invocation *it) {
    struct headers head;

    if (it->call->has_reply_head)
        return;
    headers_init(&head);
    headers_add(&head, "content-type", "application/grpc");
    headers_add(&head, "grpc-accept-encoding", "identity,gzip");
    if (it->reply_encoding == GRPC_GZIP)
        headers_add(&head, "grpc-encoding", "gzip");
    call_reply_head(it->call, &head);
    headers_done(&head);
}

void invocation_begin(struct invocation *invocation) {
    send_head(invocation);
}

static void send_packed(struct invocation *it, struct slice packed) {
    struct buf framed = { 0 };

    send_head(it);
    grpc_message_add(&framed, packed, it->reply_encoding);
    call_reply_write(it->call, buf_slice(&framed));
    it->was_waiting = true;
    buf_done(&framed);
}

void invocation_send(struct invocation *invocation, const ProtobufCMessage *message) {
    struct buf packed = { 0 };

    pb_pack(&packed, message);
    send_packed(invocation, buf_slice(&packed));
    buf_done(&packed);
}

size_t invocation_waiting(const struct invocation *invocation) {
    return invocation->call->reply.len;
}

void invocation_on_drained(struct invocation *invocation,
                           void (*on_drained)(struct invocation *invocation,
                                              void *user)) {
    invocation->on_drained = on_drained;
}

static void finish(struct invocation *it, enum grpc_status status, const char *message) {
    invocation_refuse(it, status, message, NULL);
}

void invocation_refuse(struct invocation *invocation,
                       enum grpc_status status,
                       const char *message,
                       struct headers *trailers) {
    send_head(invocation);
    call_finish(invocation->call, status, message, trailers); /* which wakes us */
}

void invocation_reply(struct invocation *invocation, const ProtobufCMessage *message) {
    invocation_send(invocation, message);
    finish(invocation, GRPC_OK, "");
}

void invocation_reply_packed(struct invocation *invocation, struct slice message) {
    send_packed(invocation, message);
    finish(invocation, GRPC_OK, "");
}

void invocation_finish(struct invocation *invocation,
                       enum grpc_status status,
                       const char *format,
                       ...) {
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    finish(invocation, status, buf_text(&text));
    buf_done(&text);
}
