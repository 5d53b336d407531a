/* The caller's half of a call that came in on an HTTP/2 stream. */
#include <stdlib.h>

#include "base/mem.h"
#include "loop/conn.h"
#include "rpc/call.h"
#include "rpc/h2conn_private.h"

struct server_half {
    struct h2half half;
    struct call *call; /* reference: we are its caller */
    uint64_t credited; /* bytes of the request given back to the sender */
    size_t held;       /* bytes of it that the callee keeps */
    bool sent_head;
};

static void done(struct server_half *server) {
    struct call *call = TAKE(server->call);
    h2conn_hold(server->half.h2conn, &server->held, 0);
    h2conn_remove_half(&server->half);
    call_detach_caller(call);
    free(server);
}

static void sever(struct h2half *half) {
    done(container_of(half, struct server_half, half));
}

static void take_request(struct server_half *server) {
    struct h2_stream *stream = server->half.stream;
    struct call *call = server->call;

    call_request_move(call, &stream->in, SIZE_MAX);
    if (stream->in_ended)
        call_request_end(call);

    uint64_t taken = call->request_total - call->request.len;
    if (taken > server->credited) {
        h2_stream_consume(stream, (size_t)(taken - server->credited));
        server->credited = taken;
    }
    if (!h2conn_hold(server->half.h2conn, &server->held, call->held))
        call_finish(call, GRPC_RESOURCE_EXHAUSTED,
                    "the unfinished requests of this connection are over its limit",
                    NULL);
}

static void add_status(struct headers *trailers, const struct call *call) {
    headers_lend_text(trailers, "grpc-status", grpc_status_number((int)call->status));
    if (call->message[0] != '\0') {
        struct buf text = { 0 };
        grpc_text_encode(&text, call->message);
        headers_add(trailers, "grpc-message", buf_text(&text));
        buf_done(&text);
    }
}

static void send_head(struct server_half *server, bool has_body) {
    struct call *call = server->call;
    struct headers head;

    headers_init(&head);
    headers_lend_text(&head, ":status", "200");
    if (!headers_get(&call->reply_head, "content-type"))
        headers_lend_text(&head, "content-type", "application/grpc");
    h2conn_lend_fields(&head, &call->reply_head);
    if (!has_body) {
        add_status(&head, call);
        h2conn_lend_fields(&head, &call->trailers);
    }
    h2_respond(server->half.stream, &head, has_body);
    headers_done(&head);
    server->sent_head = true;
}

static void move_reply(struct server_half *server) {
    struct h2_stream *stream = server->half.stream;
    struct call *call = server->call;
    size_t moved = 0;
    size_t room;

    while (call->reply.len > 0 && (room = h2_stream_room(stream)) > 0)
        moved += h2_stream_write_from(stream, &call->reply, room);
    if (moved > 0)
        call_reply_taken(call);
}

/* Everything was said: trailers, and no more of a request that nobody reads. */
static void send_end(struct server_half *server) {
    struct h2_stream *stream = server->half.stream;

    if (!server->sent_head) {
        send_head(server, false);
    } else {
        struct headers trailers;
        h2conn_take_fields(&trailers, &server->call->trailers);
        headers_remove(&trailers, "grpc-status");
        headers_remove(&trailers, "grpc-message");
        add_status(&trailers, server->call);
        h2_stream_end(stream, &trailers);
        headers_done(&trailers);
    }
    if (!stream->in_ended)
        h2_stream_stop_reading(stream);
    done(server);
}

static void pump(struct h2half *half) {
    struct server_half *server = container_of(half, struct server_half, half);
    struct call *call = server->call;

    if (half->stream->closed) {
        done(server);
        return;
    }
    take_request(server);
    if (!server->sent_head && (call->has_reply_head || call->reply.len > 0))
        send_head(server, true);
    if (server->sent_head)
        move_reply(server);
    if (call->finished && call->reply.len == 0)
        send_end(server);
    else
        h2conn_mark_dirty(half->h2conn);
}

static void on_wake(struct call *call, void *user) {
    struct server_half *server = user;
    pump(&server->half);
}

static void set_deadline(struct call *call, const char *timeout) {
    uint64_t delay_ms;

    if (!timeout)
        return;
    if (grpc_timeout_parse(timeout, &delay_ms))
        call_set_deadline(call, delay_ms);
    else
        call_fail(call, GRPC_INTERNAL, "malformed grpc-timeout");
}

void h2conn_server_accept(struct h2conn *h2conn, struct h2_stream *stream) {
    const struct headers *head = &stream->head;
    const char *method = headers_get(head, ":method");
    const char *path = headers_get(head, ":path");

    if (method && strcmp(method, "CONNECT") == 0) {
        h2conn_tunnel_accept(h2conn, stream);
        return;
    }
    if (!grpc_is_content_type(headers_get(head, "content-type")) || !path || !method ||
        strcmp(method, "POST") != 0) {
        h2conn_exchange_accept(h2conn, stream);
        return;
    }

    struct server_half *server = mem_new(sizeof(*server));
    struct call_half caller = { .on_wake = on_wake, .user = server };
    *server = (struct server_half) {
        .half = { .pump = pump, .sever = sever },
        .call = call_new(conn_loop(h2conn->conn), path, &caller),
    };
    h2conn_add_half(h2conn, &server->half, stream);
    server->call->peer = mem_strdup(conn_peer(h2conn->conn));
    server->call->authority = mem_strdup(headers_get(head, ":authority"));
    set_deadline(server->call, headers_get(head, "grpc-timeout"));
    h2conn_take_fields(&server->call->metadata, &stream->head);
    if (!server->call->finished)
        h2conn->config.on_call(h2conn->config.owner, h2conn, server->call);
    if (!h2conn->over) /* else it is gone with the connection */
        pump(&server->half);
}
