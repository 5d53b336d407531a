/*
 * client - making calls
 *
 * Messages in, messages out, on any target. A request can be cancelled at any time; then
 * no further callback comes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "wire/grpc.h"
#include "wire/headers.h"
#include "wire/pb.h"

struct actor;
struct client_call;
struct loop;
struct target;

struct client_request {
    const char *method;             /* "/roost.v1.Nodes/List"; copied */
    const struct headers *metadata; /* copied; may be NULL */
    uint64_t timeout_ms;            /* 0: none */
    size_t message_max;             /* of one reply; 0: 4 MiB */
    struct actor *actor;            /* referenced; may be NULL */
    const char *peer;      /* on whose behalf, for logs and limits; copied; may be NULL */
    const char *authority; /* as the asker dialled us; copied; may be NULL */
};

/* Never from inside a client_* function, and none after on_done. Each may be NULL but
 * on_done. */
struct client_events {
    void (*on_head)(void *user, const struct headers *head);
    void (*on_message)(void *user, struct slice message); /* packed; lent */
    void (*on_room)(void *user); /* what was sent has been taken: send more */
    /* The end; the client_call is gone when it returns. Everything is lent. */
    void (*on_done)(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers);
};

/* Starts a call. events and user are borrowed until on_done or client_cancel(). */
struct client_call *client_start(struct loop *loop,
                                 struct target *target,
                                 const struct client_request *request,
                                 const struct client_events *events,
                                 void *user);

/* Sends one packed message, or a message of protobuf-c. */
void client_send_bytes(struct client_call *client, struct slice message);
void client_send(struct client_call *client, const ProtobufCMessage *message);

/* On whose behalf the call is made, once a gate has let it in; NULL before. Lent. */
const struct actor *client_actor(const struct client_call *client);

/* Bytes that the other side has not taken yet. */
size_t client_waiting(const struct client_call *client);

/* Pauses or resumes taking replies (the sender feels it). */
void client_pause(struct client_call *client, bool paused);

void client_end(struct client_call *client);

/* No callback comes any more; the memory is gone. NULL is fine; always returns NULL. */
struct client_call *client_cancel(struct client_call *client);

/* The one reply of a unary call: reply is lent, NULL unless status is GRPC_OK. */
typedef void client_reply_fn(void *user,
                             enum grpc_status status,
                             const char *message,
                             const ProtobufCMessage *reply);

/* One message there, one back. */
struct client_call *client_unary(struct loop *loop,
                                 struct target *target,
                                 const struct client_request *request,
                                 const ProtobufCMessage *message,
                                 const ProtobufCMessageDescriptor *reply_type,
                                 client_reply_fn *on_reply,
                                 void *user);
