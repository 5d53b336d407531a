#include "rpc/invocation.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"
#include "rpc/call.h"
#include "wire/pb.h"

struct invocation {
    struct call *call;                              /* reference: we are its callee */
    const struct service_method *method;            /* borrowed: static */
    void *arg;                                      /* borrowed: the service */
    const ProtobufCMessageDescriptor *request_type; /* borrowed: static */
    size_t message_max;
    void *user; /* borrowed: the handler */
    void (*on_gone)(struct invocation *invocation, void *user);
    void (*on_drained)(struct invocation *invocation, void *user);
    enum grpc_encoding request_encoding;
    enum grpc_encoding reply_encoding;
    bool handled;     /* the one request was given */
    bool said_end;    /* the end of the requests was given */
    bool was_waiting; /* reply bytes waited at the last look */
    bool busy;        /* inside a handler: the end waits until it returns */
    bool over;
};

static bool is_stream_in(const struct invocation *it) {
    return it->method->kind == SERVICE_CLIENT_STREAM || it->method->kind == SERVICE_BIDI;
}

static void end(struct invocation *it) {
    if (it->busy) {
        it->over = true;
        return;
    }
    if (it->on_gone)
        it->on_gone(it, it->user);
    struct call *call = TAKE(it->call);
    free(it);
    call_detach_callee(call);
}

static void handle(struct invocation *it, const ProtobufCMessage *request) {
    it->busy = true;
    it->method->handle(it->arg, it, request);
    it->busy = false;
}

static void fail_take(struct invocation *it, int error) {
    if (error == GRPC_E_TOO_LONG)
        call_fail(it->call, GRPC_RESOURCE_EXHAUSTED,
                  "a message is over the limit of %zu bytes", it->message_max);
    else
        call_finish(it->call, GRPC_INTERNAL, "malformed message frame", NULL);
}

/* Takes one message and hands it over: false when there is none or the call is over. */
static bool take_message(struct invocation *it) {
    struct call *call = it->call;
    struct buf bytes = { 0 };
    size_t taken = 0;

    int r = grpc_message_take(&call->request, it->request_encoding, it->message_max,
                              &bytes, &taken);
    if (taken > 0)
        call_request_taken(call);
    if (r == GRPC_E_MORE && call->request_ended && call->request.len > 0)
        call_finish(call, GRPC_INTERNAL, "the request ended inside a message", NULL);
    else if (r > GRPC_E_MORE)
        fail_take(it, r);
    if (r != 0) {
        buf_done(&bytes);
        return false;
    }

    ProtobufCMessage *message = NULL;
    r = pb_unpack(it->request_type, buf_slice(&bytes), &message);
    buf_done(&bytes);
    if (r != 0) {
        call_fail(call,
                  r == PB_E_TOO_BIG ? GRPC_RESOURCE_EXHAUSTED : GRPC_INVALID_ARGUMENT,
                  r == PB_E_TOO_BIG ? "the message nests too deep or unpacks too big"
                                    : "not a message of type %s",
                  it->request_type->name);
        return false;
    }
    it->handled = true;
    handle(it, message);
    pb_free(message);
    return true;
}

/* A unary request must be exactly one message; it is handed over when the caller has
 * ended. */
static void take_one(struct invocation *it) {
    struct call *call = it->call;

    if (it->handled || !call->request_ended)
        return;
    if (!take_message(it) && !call->finished)
        call_finish(call, GRPC_INVALID_ARGUMENT, "the request message is missing", NULL);
}

static void take_stream(struct invocation *it) {
    struct call *call = it->call;

    while (!call->finished && !it->over && call->reply.len < CALL_PIPE_MAX &&
           take_message(it))
        ;
    if (!call->finished && !it->over && call->request_ended && call->request.len == 0 &&
        !it->said_end) {
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
    if (!call->finished && !it->over && it->was_waiting && call->reply.len == 0) {
        it->was_waiting = false;
        if (it->on_drained)
            it->on_drained(it, it->user);
    }
    if (call->finished || it->over)
        end(it);
}

/* grpc-accept-encoding names gzip and the call did not ask for identity. */
static enum grpc_encoding choose_reply_encoding(const struct call *call) {
    const char *used = headers_get(&call->metadata, "grpc-encoding");
    bool may = headers_has_token(&call->metadata, "grpc-accept-encoding", "gzip");
    return may && used && strcmp(used, "gzip") == 0 ? GRPC_GZIP : GRPC_IDENTITY;
}

void invocation_start(struct call *call,
                      const struct service_method *method,
                      void *arg,
                      const ProtobufCMessageDescriptor *request_type,
                      size_t message_max) {
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
        .method = method,
        .arg = arg,
        .request_type = request_type,
        .message_max = message_max,
        .request_encoding = request_encoding,
        .reply_encoding = choose_reply_encoding(call),
    };
    call_attach_callee(call, &callee);
    call_request_taken(call);
    loop_post(call->loop, &call->wake_callee);
}

struct call *invocation_call(const struct invocation *invocation) {
    return invocation->call;
}

void invocation_set_user(struct invocation *invocation,
                         void *user,
                         void (*on_gone)(struct invocation *invocation, void *user)) {
    invocation->user = user;
    invocation->on_gone = on_gone;
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

void invocation_send(struct invocation *invocation, const ProtobufCMessage *message) {
    struct buf packed = { 0 };
    struct buf framed = { 0 };

    send_head(invocation);
    pb_pack(&packed, message);
    grpc_message_add(&framed, buf_slice(&packed), invocation->reply_encoding);
    call_reply_write(invocation->call, buf_slice(&framed));
    invocation->was_waiting = true;
    buf_done(&framed);
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
    send_head(it);
    call_finish(it->call, status, message, NULL);
    if (!it->busy)
        loop_post(it->call->loop, &it->call->wake_callee);
    else
        it->over = true;
}

void invocation_reply(struct invocation *invocation, const ProtobufCMessage *message) {
    invocation_send(invocation, message);
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
