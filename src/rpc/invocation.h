/*
 * invocation - one call being answered by a local service
 *
 * What a handler of services.h holds. It lives until the call is over: finished here,
 * cancelled, or past its deadline; on_gone tells, and afterwards it must not be used.
 */
#pragma once

#include <stddef.h>

#include "base/slice.h"
#include "rpc/services.h"
#include "wire/grpc.h"
#include "wire/pb.h"

struct call;
struct headers;
struct invocation;
struct list;

/* What services.c asks for. */
struct invocation_config {
    const struct service_method *method;            /* borrowed: static */
    void *arg;                                      /* borrowed: the service */
    const ProtobufCMessageDescriptor *request_type; /* borrowed: static */
    size_t message_max;
    struct list *running; /* where it stands until it is over, or the list is emptied */
};

/* For services.c: answers the call. Copies the config. */
void invocation_start(struct call *call, const struct invocation_config *config);

/* For services.c: ends every stream of the list with UNAVAILABLE; unary calls go on,
 * and what lingers. */
void invocation_stop_streams(const struct list *running);

/* The call that is answered: metadata, actor, deadline. Lent. */
struct call *invocation_call(const struct invocation *invocation);

/* The exact bytes of the one request message, as the caller packed them: of a unary call
 * until it is over, of a server's stream while its handler is called. Empty else. Lent.
 */
struct slice invocation_request(const struct invocation *invocation);

/* The handler's own state; on_gone is called once, when the call is over for whatever
 * reason. */
void invocation_set_user(struct invocation *invocation,
                         void *user,
                         void (*on_gone)(struct invocation *invocation, void *user));
void *invocation_user(const struct invocation *invocation);

/* Sends the response metadata of a stream now, which goes with the first message else:
 * the caller knows that whatever happens from now on will be told. */
void invocation_begin(struct invocation *invocation);

/* A stream that services_stop() leaves to its handler to end. */
void invocation_linger(struct invocation *invocation);

/* Sends one message of a stream, copied. */
void invocation_send(struct invocation *invocation, const ProtobufCMessage *message);

/* Bytes waiting for the caller: a watcher over a limit of its own is to be dropped. */
size_t invocation_waiting(const struct invocation *invocation);

/* Told when the caller took all that was waiting; NULL: not any more. */
void invocation_on_drained(struct invocation *invocation,
                           void (*on_drained)(struct invocation *invocation, void *user));

/* Answers a unary call: the message and OK. */
void invocation_reply(struct invocation *invocation, const ProtobufCMessage *message);

/* The same with a message that was packed before. */
void invocation_reply_packed(struct invocation *invocation, struct slice message);

/* Ends the call with trailers of its own, moved; NULL: none. */
void invocation_refuse(struct invocation *invocation,
                       enum grpc_status status,
                       const char *message,
                       struct headers *trailers);

/* Ends the call. After it (and after on_gone) the invocation must not be used. */
void invocation_finish(struct invocation *invocation,
                       enum grpc_status status,
                       const char *format,
                       ...) __attribute__((format(printf, 3, 4)));
