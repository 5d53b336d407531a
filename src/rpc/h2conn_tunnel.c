/* Both halves of tunnels: CONNECT on an HTTP/2 stream (RFC 9113, 8.5). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loop/conn.h"
#include "rpc/call.h"
#include "rpc/h2conn_private.h"
#include "rpc/tunnel.h"

/* The end of a tunnel that lies on a stream of ours. */
struct tunnel_half {
    struct h2half half;
    struct call *call; /* reference: we are its caller on a server, else its callee */
    uint64_t credited; /* bytes given back to the peer that sent them */
    bool has_head;     /* a server's was sent, a client's was given on */
    bool sent_end;
};

static struct tunnel_half *tunnel_of(struct h2half *half) {
    return container_of(half, struct tunnel_half, half);
}

/* Gives the peer credit for what the other side of the call took. */
static void give_credit(struct tunnel_half *tunnel, uint64_t taken) {
    if (taken == tunnel->credited)
        return;
    h2_stream_consume(tunnel->half.stream, (size_t)(taken - tunnel->credited));
    tunnel->credited = taken;
}

/* Moves bytes to the stream; true when some went. */
static bool move_out(struct tunnel_half *tunnel, struct pipe *from) {
    struct h2_stream *stream = tunnel->half.stream;
    size_t moved = 0;
    size_t room;

    while (from->len > 0 && (room = h2_stream_room(stream)) > 0)
        moved += h2_stream_write_from(stream, from, room);
    return moved > 0;
}

/* Did the stream end otherwise than by the ends of both sides? */
static bool is_cut(const struct tunnel_half *tunnel) {
    const struct h2_stream *stream = tunnel->half.stream;
    return stream->closed && !(stream->in_ended && tunnel->sent_end);
}

static struct tunnel_half *new_half(struct call *call) {
    struct tunnel_half *tunnel = mem_new(sizeof(*tunnel));
    tunnel->call = call;
    return tunnel;
}

/* --- the server: who came to us is the caller --- */

static void done_server(struct tunnel_half *tunnel) {
    struct call *call = TAKE(tunnel->call);

    h2conn_remove_half(&tunnel->half);
    call_detach_caller(call);
    free(tunnel);
}

static void sever_server(struct h2half *half) {
    done_server(tunnel_of(half));
}

static void take_request(struct tunnel_half *tunnel) {
    struct h2_stream *stream = tunnel->half.stream;
    struct call *call = tunnel->call;

    call_request_move(call, &stream->in, SIZE_MAX);
    if (stream->in_ended)
        call_request_end(call);
    give_credit(tunnel, call->request_total - call->request.len);
}

static void accept_tunnel(struct tunnel_half *tunnel) {
    struct headers head;

    headers_init(&head);
    headers_lend_text(&head, ":status", "200");
    h2conn_lend_fields(&head, &tunnel->call->reply_head);
    h2_respond(tunnel->half.stream, &head, true);
    headers_done(&head);
    tunnel->has_head = true;
}

static void refuse_tunnel(struct tunnel_half *tunnel) {
    struct headers head;

    headers_init(&head);
    tunnel_refusal(&head, tunnel->call);
    h2_respond(tunnel->half.stream, &head, false);
    headers_done(&head);
    if (!tunnel->half.stream->in_ended)
        h2_stream_stop_reading(tunnel->half.stream);
}

static void send_reply(struct tunnel_half *tunnel) {
    struct call *call = tunnel->call;
    bool has_ended = call->reply_ended || call->finished;

    if (move_out(tunnel, &call->reply))
        call_reply_taken(call);
    if (has_ended && call->reply.len == 0 && !tunnel->sent_end) {
        tunnel->sent_end = true;
        h2_stream_end(tunnel->half.stream, NULL);
    }
}

static void pump_server(struct h2half *half) {
    struct tunnel_half *tunnel = tunnel_of(half);
    struct call *call = tunnel->call;

    take_request(tunnel);
    if (is_cut(tunnel)) {
        done_server(tunnel);
        return;
    }
    if (!tunnel->has_head && call->has_reply_head)
        accept_tunnel(tunnel);
    if (tunnel->has_head && call->finished && call->status != GRPC_OK)
        h2_stream_reset(half->stream, H2_CONNECT_ERROR);
    else if (tunnel->has_head)
        send_reply(tunnel);
    else if (call->finished)
        refuse_tunnel(tunnel);
    if (call->finished && (call->reply.len == 0 || call->status != GRPC_OK))
        done_server(tunnel);
    else
        h2conn_mark_dirty(half->h2conn);
}

static void on_wake_server(struct call *call, void *user) {
    struct tunnel_half *tunnel = user;
    pump_server(&tunnel->half);
}

void h2conn_tunnel_accept(struct h2conn *h2conn, struct h2_stream *stream) {
    const char *authority = headers_get(&stream->head, ":authority");
    struct tunnel_half *tunnel = new_half(NULL);
    struct call_half caller = { .on_wake = on_wake_server, .user = tunnel };
    struct call *call = call_new_tunnel(conn_loop(h2conn->conn), authority, &caller);

    tunnel->call = call;
    tunnel->half.pump = pump_server;
    tunnel->half.sever = sever_server;
    h2conn_add_half(h2conn, &tunnel->half, stream);
    h2conn_take_fields(&call->metadata, &stream->head);
    call->peer = mem_strdup(conn_peer(h2conn->conn));
    h2conn->config.on_call(h2conn->config.owner, h2conn, call);
    if (!h2conn->over) /* else it is gone with the connection */
        pump_server(&tunnel->half);
}

/* --- the client: whom we reach is the callee --- */

static void done_client(struct tunnel_half *tunnel) {
    struct call *call = TAKE(tunnel->call);

    h2conn_remove_half(&tunnel->half);
    call_detach_callee(call);
    free(tunnel);
}

static void sever_client(struct h2half *half) {
    struct tunnel_half *tunnel = tunnel_of(half);

    call_finish(tunnel->call, GRPC_UNAVAILABLE, "the connection was lost", NULL);
    done_client(tunnel);
}

static void send_request(struct tunnel_half *tunnel) {
    struct call *call = tunnel->call;

    if (move_out(tunnel, &call->request))
        call_request_taken(call);
    if (call->request.len == 0 && call->request_ended && !tunnel->sent_end) {
        tunnel->sent_end = true;
        h2_stream_end(tunnel->half.stream, NULL);
    }
}

/* The peer has accepted the tunnel, or says why not. */
static void take_head(struct tunnel_half *tunnel) {
    struct h2_stream *stream = tunnel->half.stream;
    struct call *call = tunnel->call;
    struct headers head;

    if (tunnel->has_head || !stream->has_head)
        return;
    const char *status = headers_get(&stream->head, ":status");
    tunnel->has_head = true;
    if (!status || status[0] != '2') {
        h2conn_client_finish(call, &stream->head,
                             status ? (int)strtol(status, NULL, 10) : 0);
        return;
    }
    h2conn_take_fields(&head, &stream->head);
    call_reply_head(call, &head);
    headers_done(&head);
}

static void take_reply(struct tunnel_half *tunnel) {
    struct h2_stream *stream = tunnel->half.stream;
    struct call *call = tunnel->call;

    call_reply_move(call, &stream->in, SIZE_MAX);
    give_credit(tunnel, call->reply_total - call->reply.len);
    if (stream->in_ended)
        call_reply_end(call);
}

static void finish_client(struct tunnel_half *tunnel) {
    const struct h2_stream *stream = tunnel->half.stream;
    struct call *call = tunnel->call;
    bool has_ended = stream->in_ended && (tunnel->sent_end || stream->closed);

    if (has_ended && (!stream->was_reset || stream->reset_code == H2_NO_ERROR))
        call_finish(call, GRPC_OK, NULL, NULL);
    else if (stream->closed && stream->refused)
        call_finish(call, GRPC_UNAVAILABLE, "the peer refused the stream", NULL);
    else if (stream->closed && stream->was_reset)
        call_fail(call, GRPC_ABORTED, "the connection to %s was reset", call->tunnel);
    else if (stream->closed)
        call_finish(call, GRPC_UNAVAILABLE, "the connection was lost", NULL);
}

static void pump_client(struct h2half *half) {
    struct tunnel_half *tunnel = tunnel_of(half);
    struct call *call = tunnel->call;

    if (!call->finished) {
        send_request(tunnel);
        take_head(tunnel);
        take_reply(tunnel);
        finish_client(tunnel);
    }
    if (call->finished)
        done_client(tunnel);
    else
        h2conn_mark_dirty(half->h2conn);
}

static void on_wake_client(struct call *call, void *user) {
    struct tunnel_half *tunnel = user;
    pump_client(&tunnel->half);
}

void h2conn_tunnel_start(struct h2conn *h2conn, struct call *call) {
    struct h2_stream *stream = NULL;

    if (!h2conn->over && !h2conn->draining) {
        struct headers head;
        headers_init(&head);
        headers_lend_text(&head, ":method", "CONNECT");
        headers_add(&head, ":authority", call->tunnel);
        h2conn_lend_fields(&head, &call->metadata);
        stream = h2_request(h2conn->h2, &head, true);
        headers_done(&head);
    }
    if (!stream) {
        h2conn_client_refuse(call);
        return;
    }

    struct tunnel_half *tunnel = new_half(call);
    struct call_half callee = { .on_wake = on_wake_client, .user = tunnel };
    tunnel->half.pump = pump_client;
    tunnel->half.sever = sever_client;
    call_attach_callee(call, &callee);
    h2conn_add_half(h2conn, &tunnel->half, stream);
    pump_client(&tunnel->half);
}
