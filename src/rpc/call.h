/*
 * call - one RPC under way between two halves
 *
 * Whoever asks is the caller, whoever answers the callee; neither knows what the other
 * is made of (an HTTP/2 stream, a JSON request, a local service, a link). Both sides
 * work on the same object and are woken, later in the turn, when the other has
 * changed something. Bodies are bytes in gRPC framing, so a proxy moves chunks and
 * copies nothing; each pipe is bounded by the politeness of CALL_PIPE_MAX and by
 * credit: `taken` counts what the other side took, and the source returns as much to its
 * sender.
 *
 *   caller                                   callee
 *   method, metadata, deadline, actor   ->   on start
 *   request bytes, request_ended        ->
 *                                       <-   reply_head, reply bytes
 *   cancelled                           ->
 *                                       <-   finished: status, message, trailers
 *
 * A call may be a tunnel: a TCP connection to `tunnel`, asked for by CONNECT (RFC 9113,
 * 8.5). Its pipes hold raw bytes. reply_head says that the target is reached; each side
 * ends for itself (request_ended, reply_ended: TCP's FIN), and the call finishes with OK
 * when both have. Another status before reply_head is a refusal, behind it a reset.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/pipe.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "wire/grpc.h"
#include "wire/headers.h"

struct actor;
struct call;
struct target;

/* A trailer of calls that ended on the way, not by the callee's word: did it see them? */
#define CALL_DELIVERED         "roost-delivered"
#define CALL_DELIVERED_NO      "no"
#define CALL_DELIVERED_UNKNOWN "unknown"

enum { CALL_PIPE_MAX = 65536 }; /* one stream window: what a sender may have under way */

/* How one side is told that something changed; never from inside a call_* function. */
struct call_half {
    void (*on_wake)(struct call *call, void *user);
    void *user; /* borrowed: the adapter, until it detaches */
};

/* Who counts calls: told once, when the call finishes, whoever ends it. */
struct call_observer {
    void (*on_finished)(struct call *call);
    void *user;        /* borrowed: until on_finished */
    uint64_t begun_ns; /* boot time */
};

struct call {
    unsigned refs;
    struct loop *loop; /* borrowed: outlives calls */
    struct call_half caller;
    struct call_half callee;
    struct task wake_caller;
    struct task wake_callee;
    struct timer deadline;

    char *method;            /* owned: "/package.Service/Method"; "CONNECT" of a tunnel */
    char *tunnel;            /* owned: "HOST:PORT" as it was asked for; NULL: an RPC */
    struct headers metadata; /* what travels with the request, hop-by-hop fields gone */
    struct actor *actor;     /* reference; NULL before authentication */
    char *peer;              /* owned: the caller's address, for logs; or NULL */
    char *authority;         /* owned: "HOST:PORT" as the caller dialled it; or NULL */
    bool is_plain;           /* it came by a connection without TLS */
    char *destination;       /* owned: the node or group that is called; NULL: the hub */
    struct target *again;  /* borrowed: where the call goes, once, when its callee surely
                              never saw it; NULL: it fails */
    const char *lost_text; /* borrowed: static; the message when the callee's connection
                              is lost; NULL: the usual one */

    struct pipe request;
    uint64_t request_total; /* bytes ever put into request */
    size_t held; /* bytes that the callee took and keeps until a message is whole */
    bool request_ended;
    bool cancelled;

    struct headers reply_head;
    bool has_reply_head;
    struct pipe reply;
    uint64_t reply_total;
    bool reply_ended; /* of a tunnel: the target has said all */

    struct call_observer observer; /* zeroed: nobody */
    struct call_observer warden;   /* the same of who let it in; told last */

    bool finished;
    bool cut; /* it ended on the way to the callee, not by its word */
    enum grpc_status status;
    char *message; /* owned; "" when there is nothing to say */
    struct headers trailers;
};

/* Makes a call with the caller attached; it holds the one reference. Copies method. */
struct call *call_new(struct loop *loop,
                      const char *method,
                      const struct call_half *caller);

/* The same of a tunnel; copies target. */
struct call *call_new_tunnel(struct loop *loop,
                             const char *target,
                             const struct call_half *caller);

struct call *call_ref(struct call *call);

/* NULL is fine; always returns NULL. */
struct call *call_unref(struct call *call);

/* Lets the call end with DEADLINE_EXCEEDED in delay_ms. */
void call_set_deadline(struct call *call, uint64_t delay_ms);

/* Milliseconds left; UINT64_MAX without a deadline. */
uint64_t call_time_left_ms(const struct call *call);

/* Gives the call to the target, which attaches a callee or finishes the call. */
void call_start(struct call *call, struct target *target);

/* Caller: another one takes its place, and its reference. */
void call_replace_caller(struct call *call, const struct call_half *caller);

/* Caller: bytes or the end of the request. After the call has finished both do nothing.
 */
void call_request_write(struct call *call, struct slice bytes);
size_t call_request_move(struct call *call, struct pipe *from, size_t max);
void call_request_end(struct call *call);

/* Caller: nobody waits any more. The callee is told; the status is CANCELLED. */
void call_cancel(struct call *call);

/* Caller: tells the callee that bytes of `reply` were taken. */
void call_reply_taken(struct call *call);

/* Caller: lets go of the call; cancels it if it has not finished. */
void call_detach_caller(struct call *call);

/* Callee: joins the call and holds a reference until it detaches. */
void call_attach_callee(struct call *call, const struct call_half *callee);

/* Callee: another one takes its place, and its reference. */
void call_replace_callee(struct call *call, const struct call_half *callee);

/* Callee: response metadata, moved, so nothing in it may be lent; once, before any bytes.
 * May be left out. */
void call_reply_head(struct call *call, struct headers *head);
void call_reply_write(struct call *call, struct slice bytes);
size_t call_reply_move(struct call *call, struct pipe *from, size_t max);

/* Callee of a tunnel: the target ended its side; the caller's may go on. */
void call_reply_end(struct call *call);

/* Callee: tells the caller that bytes of `request` were taken. */
void call_request_taken(struct call *call);

/* Callee (or a gate that refuses): the end. message is copied, trailers are moved, so
 * nothing in them may be lent; both may be NULL. Only the first end counts. Both halves
 * are woken: each detaches when it sees it. */
void call_finish(struct call *call,
                 enum grpc_status status,
                 const char *message,
                 struct headers *trailers);
void call_fail(struct call *call, enum grpc_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Callee: the call ended on the way, with UNAVAILABLE. delivered: one of
 * CALL_DELIVERED_*. */
void call_finish_cut(struct call *call, const char *message, const char *delivered);

/* Callee that has not touched the call: leaves it to another target, as call_start(). */
void call_pass_on(struct call *call, struct target *target);

/*
 * Callee that took request bytes (these, in order) but whose peer surely never saw the
 * call: gives them back and leaves the call to `again`. False, and nothing has changed,
 * when it has no such way or has ended.
 */
bool call_give_back(struct call *call, struct slice taken);

/* Callee: lets go of the call; finishes it with INTERNAL if nobody did. */
void call_detach_callee(struct call *call);

/* "package.Service" of the method: true and the name without slashes in ret_service (cut
 * at cap). */
bool call_service_name(const struct call *call, char *ret_service, size_t cap);
