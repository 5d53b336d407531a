/*
 * tunnel - TCP through calls: what both ends of a tunnel share
 *
 * A splice joins a TCP connection to a call that is a tunnel (call.h), on either side of
 * it. Bytes are taken from the connection only while the call has room, and from the call
 * only while the connection takes them; a FIN and a reset of one arrive at the other.
 *
 * A target that refuses, is not reached or may not be asked for is told by the status of
 * the call: FAILED_PRECONDITION when nobody answers there, DEADLINE_EXCEEDED when nobody
 * answers in time, ABORTED for a reset. HTTP calls them 502, 504 and a reset stream.
 */
#pragma once

#include <stdbool.h>

struct call;
struct conn;
struct headers;
struct splice;
struct target;

/* How HTTP calls a status that ends a tunnel before it began. */
int tunnel_http_status(int grpc_status);

/* Fills the head of the refusal: ":status", "grpc-status", "grpc-message", and what the
 * call's trailers say. */
void tunnel_refusal(struct headers *ret_head, const struct call *call);

/* The tunnel is over; the splice and its connection are gone when this returns. The call
 * is lent: its status is OK after an orderly end of both sides. */
typedef void tunnel_done_fn(void *arg, struct splice *splice, const struct call *call);

/*
 * The callee's side: takes the conn, attaches to the call (in the place of a callee that
 * waited for the conn) and says that the target is reached.
 */
struct splice *tunnel_answer(struct call *call,
                             struct conn *conn,
                             tunnel_done_fn *on_done,
                             void *arg);

/* The caller's side: what is needed to make the call. */
struct tunnel_request {
    struct target *target;          /* whom to ask; lent */
    const char *to;                 /* "HOST:PORT"; copied */
    const struct headers *metadata; /* copied */
    /* The other side has reached its target. May be NULL. */
    void (*on_open)(void *arg, struct splice *splice);
    tunnel_done_fn *on_done;
    void *arg;
};

/* Takes the conn and starts the call; on_done comes later, in any case. */
struct splice *tunnel_ask(struct conn *conn, const struct tunnel_request *request);

/* The caller's side of a call that was made already, and whose target is reached: takes
 * the place of its caller, and the conn. */
struct splice *tunnel_join(struct call *call,
                           struct conn *conn,
                           tunnel_done_fn *on_done,
                           void *arg);

/*
 * From inside on_done of one that was asked for and never opened: the conn, paused, with
 * all that it has said before, to ask once more. NULL when it is over.
 */
struct conn *tunnel_take_conn(struct splice *splice);

/* Ends it at once without on_done: the connection and the call are reset. NULL is fine;
 * always returns NULL. */
struct splice *tunnel_cut(struct splice *splice);
