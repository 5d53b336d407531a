#include "rpc/client.h"

#include <stdlib.h>

#include "base/mem.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/inbox.h"
#include "wire/pb.h"

enum { MESSAGE_MAX = 4 << 20 }; /* gRPC's usual limit */

/* What a unary call waits with. */
struct unary {
    const ProtobufCMessageDescriptor *reply_type; /* borrowed: static or a schema */
    client_reply_fn *on_reply;
    void *user;              /* borrowed: the asker */
    ProtobufCMessage *reply; /* owned */
    bool bad;
};

struct client_call {
    struct call *call;                  /* reference: we are its caller */
    const struct client_events *events; /* borrowed: static */
    void *user;                         /* borrowed: the asker */
    struct unary *unary;                /* owned; NULL for other calls */
    struct inbox inbox;
    bool gave_head;
    bool paused;
    bool was_waiting;
    bool cancelled; /* inside a callback: freed when it returns */
    bool busy;
};

static void destroy(struct client_call *client) {
    if (client->unary) {
        pb_free(client->unary->reply);
        free(client->unary);
    }
    struct call *call = TAKE(client->call);
    inbox_done(&client->inbox);
    free(client);
    call_detach_caller(call);
}

static void give_head(struct client_call *client) {
    const struct call *call = client->call;

    if (client->gave_head || !call->has_reply_head)
        return;
    client->gave_head = true;
    grpc_encoding_parse(headers_get(&call->reply_head, "grpc-encoding"),
                        &client->inbox.encoding);
    if (client->events->on_head)
        client->events->on_head(client->user, &call->reply_head);
}

static bool give_message(struct client_call *client, enum grpc_status *status) {
    struct buf bytes = { 0 };
    size_t taken = 0;

    if (client->cancelled || client->paused)
        return false;
    int r = inbox_take(&client->inbox, &client->call->reply, &bytes, &taken);
    if (taken > 0)
        call_reply_taken(client->call);
    if (r == 0 && client->events->on_message)
        client->events->on_message(client->user, buf_slice(&bytes));
    if (r > GRPC_E_MORE)
        *status = r == GRPC_E_TOO_LONG ? GRPC_RESOURCE_EXHAUSTED : GRPC_INTERNAL;
    buf_done(&bytes);
    return r == 0;
}

static void give_done(struct client_call *client,
                      enum grpc_status status,
                      const char *message) {
    if (!client->cancelled)
        client->events->on_done(client->user, status, message, &client->call->trailers);
    client->cancelled = true;
}

/* Tells the end when there is one: of the call, or of our patience with what came. */
static void give_end(struct client_call *client, enum grpc_status broken) {
    const struct call *call = client->call;

    if (broken != GRPC_OK)
        give_done(client, broken,
                  broken == GRPC_INTERNAL ? "malformed message frame"
                                          : "a reply is over the message limit");
    else if (!call->finished || client->paused)
        return;
    else if (inbox_part_len(&client->inbox) > 0 && call->status == GRPC_OK)
        give_done(client, GRPC_INTERNAL, "the reply ended inside a message");
    else
        give_done(client, call->status, call->message);
}

static void give_room(struct client_call *client) {
    if (client->cancelled || !client->was_waiting || client->call->request.len > 0)
        return;
    client->was_waiting = false;
    if (client->events->on_room && !client->call->finished)
        client->events->on_room(client->user);
}

static void on_wake(struct call *call, void *user) {
    struct client_call *client = user;
    enum grpc_status broken = GRPC_OK;

    client->busy = true;
    give_head(client);
    while (give_message(client, &broken))
        ;
    give_room(client);
    give_end(client, broken);
    client->busy = false;
    if (client->cancelled)
        destroy(client);
}

struct client_call *client_start(struct loop *loop,
                                 struct target *target,
                                 const struct client_request *request,
                                 const struct client_events *events,
                                 void *user) {
    struct client_call *client = mem_new(sizeof(*client));
    struct call_half caller = { .on_wake = on_wake, .user = client };

    *client = (struct client_call) {
        .call = call_new(loop, request->method, &caller),
        .events = events,
        .user = user,
    };
    inbox_init(&client->inbox, request->message_max ? request->message_max : MESSAGE_MAX);
    if (request->metadata)
        headers_add_all(&client->call->metadata, request->metadata);
    headers_add(&client->call->metadata, "grpc-accept-encoding", "identity,gzip");
    if (request->actor)
        client->call->actor = actor_ref(request->actor);
    client->call->peer = mem_strdup(request->peer);
    client->call->authority = mem_strdup(request->authority);
    if (request->timeout_ms > 0)
        call_set_deadline(client->call, request->timeout_ms);
    call_start(client->call, target);
    return client;
}

void client_send_bytes(struct client_call *client, struct slice message) {
    struct buf framed = { 0 };

    grpc_message_add(&framed, message, GRPC_IDENTITY);
    call_request_write(client->call, buf_slice(&framed));
    client->was_waiting = true;
    buf_done(&framed);
}

void client_send(struct client_call *client, const ProtobufCMessage *message) {
    struct buf packed = { 0 };

    pb_pack(&packed, message);
    client_send_bytes(client, buf_slice(&packed));
    buf_done(&packed);
}

const struct actor *client_actor(const struct client_call *client) {
    return client->call->actor;
}

size_t client_waiting(const struct client_call *client) {
    return client->call->request.len;
}

void client_pause(struct client_call *client, bool paused) {
    client->paused = paused;
    if (!paused)
        loop_post(client->call->loop, &client->call->wake_caller);
}

void client_end(struct client_call *client) {
    call_request_end(client->call);
}

struct client_call *client_cancel(struct client_call *client) {
    if (!client || client->cancelled)
        return NULL;
    client->cancelled = true;
    if (!client->busy)
        destroy(client);
    return NULL;
}

static void on_unary_message(void *user, struct slice message) {
    struct unary *unary = user;

    if (unary->reply || pb_unpack(unary->reply_type, message, &unary->reply) != 0)
        unary->bad = true;
}

static void on_unary_done(void *user,
                          enum grpc_status status,
                          const char *message,
                          const struct headers *trailers) {
    struct unary *unary = user;

    if (status == GRPC_OK && (unary->bad || !unary->reply))
        unary->on_reply(unary->user, GRPC_INTERNAL, "the reply is not what was asked for",
                        NULL);
    else
        unary->on_reply(unary->user, status, message,
                        status == GRPC_OK ? unary->reply : NULL);
}

struct client_call *client_unary(struct loop *loop,
                                 struct target *target,
                                 const struct client_request *request,
                                 const ProtobufCMessage *message,
                                 const ProtobufCMessageDescriptor *reply_type,
                                 client_reply_fn *on_reply,
                                 void *user) {
    static const struct client_events events = {
        .on_message = on_unary_message,
        .on_done = on_unary_done,
    };
    struct unary *unary = mem_new(sizeof(*unary));

    *unary = (struct unary) {
        .reply_type = reply_type,
        .on_reply = on_reply,
        .user = user,
    };
    struct client_call *client = client_start(loop, target, request, &events, unary);
    client->unary = unary;
    client_send(client, message);
    client_end(client);
    return client;
}
