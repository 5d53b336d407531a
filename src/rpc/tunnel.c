#include "rpc/tunnel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loop/conn.h"
#include "loop/loop.h"
#include "rpc/call.h"
#include "wire/grpc.h"
#include "wire/headers.h"

/*
 * The conn is let go in two ways: reset, when the call ended otherwise than in order, or
 * ended (conn_end), after which its on_closed(0) says that both sides are over and all
 * bytes are out.
 */
struct splice {
    struct call *call; /* reference: we are a half of it */
    struct conn *conn; /* owned; NULL when it is over and the call is not yet */
    struct pipe early; /* what was said before the tunnel was open */
    bool is_callee;
    bool told_open; /* the caller's owner knows that the target is reached */
    bool paused;    /* the conn, because the call has no room */
    bool end_sent;  /* our FIN to the conn */
    bool end_seen;  /* the conn's FIN came */
    void (*on_open)(void *arg, struct splice *splice);
    tunnel_done_fn *on_done;
    void *arg; /* borrowed: whoever made it */
};

int tunnel_http_status(int grpc_status) {
    switch (grpc_status) {
    case GRPC_FAILED_PRECONDITION:
    case GRPC_ABORTED:
        return 502;
    case GRPC_UNAUTHENTICATED:
        return 407;
    default:
        return grpc_http_of_status(grpc_status);
    }
}

void tunnel_refusal(struct headers *ret_head, const struct call *call) {
    char number[12];
    int http = tunnel_http_status((int)call->status);

    /* A foreign callee may say OK without ever having been reached. */
    snprintf(number, sizeof(number), "%d", call->status == GRPC_OK ? 502 : http);
    headers_add(ret_head, ":status", number);
    snprintf(number, sizeof(number), "%d", (int)call->status);
    headers_add(ret_head, "grpc-status", number);
    if (call->message[0] != '\0') {
        struct buf text = { 0 };
        grpc_text_encode(&text, call->message);
        headers_add(ret_head, "grpc-message", buf_text(&text));
        buf_done(&text);
    }
    if (http == 407)
        headers_add(ret_head, "proxy-authenticate", "Bearer realm=\"roost\"");
    headers_add_all(ret_head, &call->trailers);
}

/* --- the two directions, whichever half we are --- */

/* What goes from the conn into the call. */
static struct pipe *inbound(const struct splice *splice) {
    return splice->is_callee ? &splice->call->reply : &splice->call->request;
}

/* What comes from the call and goes out on the conn. */
static struct pipe *outbound(const struct splice *splice) {
    return splice->is_callee ? &splice->call->request : &splice->call->reply;
}

static bool has_outbound_ended(const struct splice *splice) {
    const struct call *call = splice->call;
    return splice->is_callee ? call->request_ended : call->reply_ended || call->finished;
}

static void write_inbound(const struct splice *splice, struct slice bytes) {
    if (splice->is_callee)
        call_reply_write(splice->call, bytes);
    else
        call_request_write(splice->call, bytes);
}

static void end_inbound(const struct splice *splice) {
    if (splice->is_callee)
        call_reply_end(splice->call);
    else
        call_request_end(splice->call);
}

static void detach(struct splice *splice) {
    struct call *call = TAKE(splice->call);

    if (splice->is_callee)
        call_detach_callee(call);
    else
        call_detach_caller(call);
}

/* Lets go of both sides. The splice is gone after this. */
static void finish(struct splice *splice, void (*end)(struct conn *conn)) {
    struct call *call = call_ref(splice->call);

    detach(splice);
    splice->on_done(splice->arg, splice, call);
    if (splice->conn)
        end(splice->conn);
    pipe_done(&splice->early);
    free(splice);
    call_unref(call);
}

/* Reads on when half of what the other side may have under way was taken. */
static void balance(struct splice *splice) {
    size_t waiting = inbound(splice)->len;

    if (!splice->paused && waiting >= CALL_PIPE_MAX)
        splice->paused = true;
    else if (splice->paused && waiting <= CALL_PIPE_MAX / 2)
        splice->paused = false;
    else
        return;
    conn_pause(splice->conn, splice->paused);
}

static void move_out(struct splice *splice) {
    struct pipe *from = outbound(splice);
    bool took = false;

    while (from->len > 0 && conn_is_writable(splice->conn)) {
        conn_send_from(splice->conn, from);
        took = true;
    }
    if (took && splice->is_callee)
        call_request_taken(splice->call);
    else if (took)
        call_reply_taken(splice->call);
    if (from->len == 0 && has_outbound_ended(splice) && !splice->end_sent) {
        splice->end_sent = true;
        conn_end(splice->conn);
    }
}

/* Moves what can be moved; the splice may be gone after it. */
static void pump(struct splice *splice) {
    const struct call *call = splice->call;
    bool is_failed = call->finished && call->status != GRPC_OK;

    if (!splice->conn) {
        if (call->finished)
            finish(splice, conn_close);
        return;
    }
    if (is_failed || (call->finished && splice->is_callee)) {
        finish(splice, conn_abort);
        return;
    }
    if (!splice->told_open && call->has_reply_head) {
        splice->told_open = true;
        pipe_done(&splice->early);
        if (splice->on_open)
            splice->on_open(splice->arg, splice);
    }
    balance(splice);
    move_out(splice);
}

static void on_wake(struct call *call, void *user) {
    pump(user);
}

static void on_bytes(void *owner, struct slice bytes) {
    struct splice *splice = owner;

    if (!splice->told_open)
        pipe_add(&splice->early, bytes);
    write_inbound(splice, bytes);
    balance(splice);
}

static void on_writable(void *owner) {
    move_out(owner);
}

/* Both sides of the conn are over and its last byte is out. */
static void conclude(struct splice *splice) {
    conn_close(TAKE(splice->conn));
    if (splice->is_callee)
        call_finish(splice->call, GRPC_OK, NULL, NULL);
    if (splice->call->finished)
        finish(splice, conn_close);
}

static void on_closed(void *owner, int reason) {
    struct splice *splice = owner;

    if (reason < 0) {
        if (splice->is_callee)
            call_fail(splice->call, GRPC_ABORTED, "the connection to %s was lost: %s",
                      splice->call->tunnel, strerror(-reason));
        finish(splice, conn_close);
        return;
    }
    if (!splice->end_seen) {
        splice->end_seen = true;
        end_inbound(splice);
    }
    if (splice->end_sent)
        conclude(splice);
}

static struct splice *new_splice(struct conn *conn, tunnel_done_fn *on_done, void *arg) {
    struct splice *splice = mem_new(sizeof(*splice));

    pipe_init(&splice->early);
    splice->conn = conn;
    splice->on_done = on_done;
    splice->arg = arg;
    return splice;
}

static const struct conn_events events = {
    .on_bytes = on_bytes,
    .on_writable = on_writable,
    .on_closed = on_closed,
};

struct splice *tunnel_answer(struct call *call,
                             struct conn *conn,
                             tunnel_done_fn *on_done,
                             void *arg) {
    struct splice *splice = new_splice(conn, on_done, arg);
    struct call_half callee = { .on_wake = on_wake, .user = splice };
    struct headers head;

    splice->is_callee = true;
    splice->told_open = true;
    splice->call = call;
    if (call->callee.on_wake)
        call_replace_callee(call, &callee);
    else
        call_attach_callee(call, &callee);
    headers_init(&head);
    call_reply_head(call, &head);
    headers_done(&head);
    conn_set_owner(conn, &events, splice);
    move_out(splice);
    return splice;
}

struct splice *tunnel_ask(struct conn *conn, const struct tunnel_request *request) {
    struct splice *splice = new_splice(conn, request->on_done, request->arg);
    struct call_half caller = { .on_wake = on_wake, .user = splice };

    splice->on_open = request->on_open;
    splice->call = call_new_tunnel(conn_loop(conn), request->to, &caller);
    headers_add_all(&splice->call->metadata, request->metadata);
    conn_set_owner(conn, &events, splice);
    call_start(splice->call, request->target);
    return splice;
}

struct splice *tunnel_join(struct call *call,
                           struct conn *conn,
                           tunnel_done_fn *on_done,
                           void *arg) {
    struct splice *splice = new_splice(conn, on_done, arg);
    struct call_half caller = { .on_wake = on_wake, .user = splice };

    splice->told_open = true;
    splice->call = call;
    call_replace_caller(call, &caller);
    conn_set_owner(conn, &events, splice);
    return splice;
}

struct splice *tunnel_cut(struct splice *splice) {
    if (!splice)
        return NULL;
    if (splice->conn)
        conn_abort(TAKE(splice->conn));
    detach(splice);
    pipe_done(&splice->early);
    free(splice);
    return NULL;
}

struct conn *tunnel_take_conn(struct splice *splice) {
    struct buf said = { 0 };

    if (!splice->conn || splice->told_open)
        return NULL;
    conn_pause(splice->conn, true);
    pipe_copy(&splice->early, buf_room(&said, splice->early.len), splice->early.len);
    buf_added(&said, splice->early.len);
    conn_unread(splice->conn, buf_slice(&said));
    buf_done(&said);
    return TAKE(splice->conn);
}
