/* The callee's half of a call that goes out on an HTTP/2 stream. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loop/conn.h"
#include "rpc/call.h"
#include "rpc/h2conn_private.h"

enum {
    HTTP_OK = 200,
    KEPT_MAX = 16384, /* what of a request is kept until the peer has surely seen it */
};

struct client_half {
    struct h2half half;
    struct call *call; /* reference: we are its callee */
    struct buf kept;   /* the request so far, while the call may go another way */
    bool keeps;
    uint64_t credited; /* bytes of the reply given back to the sender */
    bool sent_end;
    bool gave_head;
};

static void done(struct client_half *client) {
    struct call *call = TAKE(client->call);
    h2conn_remove_half(&client->half);
    buf_done(&client->kept);
    call_detach_callee(call);
    free(client);
}

/* The peer surely never saw the call: true when it goes another way, and is not ours. */
static bool give_back(struct client_half *client) {
    if (!client->keeps || !call_give_back(client->call, buf_slice(&client->kept)))
        return false;
    h2conn_remove_half(&client->half);
    buf_done(&client->kept);
    free(client);
    return true;
}

static void stop_keeping(struct client_half *client) {
    client->keeps = false;
    buf_done(&client->kept);
}

/* Remembers up to max bytes that are about to go. */
static void keep(struct client_half *client, size_t max) {
    const struct pipe *request = &client->call->request;
    size_t len = request->len < max ? request->len : max;

    if (client->keeps && client->kept.len + len > KEPT_MAX)
        stop_keeping(client);
    if (!client->keeps)
        return;
    pipe_copy(request, buf_room(&client->kept, len), len);
}

static void finish_lost(struct call *call) {
    call->cut = true;
    call_finish_cut(call, call->lost_text ? call->lost_text : "the connection was lost",
                    CALL_DELIVERED_UNKNOWN);
}

static void sever(struct h2half *half) {
    struct client_half *client = container_of(half, struct client_half, half);

    if (!h2_stream_is_sent(half->stream) && give_back(client))
        return;
    finish_lost(client->call);
    done(client);
}

static void send_request(struct client_half *client) {
    struct h2_stream *stream = client->half.stream;
    struct call *call = client->call;
    size_t moved = 0;
    size_t room;

    while (call->request.len > 0 && (room = h2_stream_room(stream)) > 0) {
        keep(client, room);
        size_t count = h2_stream_write_from(stream, &call->request, room);
        if (client->keeps)
            buf_added(&client->kept, count);
        moved += count;
    }
    if (moved > 0)
        call_request_taken(call);
    if (call->request.len == 0 && call->request_ended && !client->sent_end) {
        client->sent_end = true;
        h2_stream_end(stream, NULL);
    }
}

/* A number that is none, or that gRPC does not know, is UNKNOWN. */
static enum grpc_status status_of(const char *number) {
    size_t digits = strspn(number, "0123456789");
    unsigned long value = strtoul(number, NULL, 10);

    if (digits == 0 || number[digits] != '\0' || value > GRPC_UNAUTHENTICATED)
        return GRPC_UNKNOWN;
    return (enum grpc_status)value;
}

void h2conn_client_finish(struct call *call, struct headers *said, int http_status) {
    const char *number = headers_get(said, "grpc-status");
    const char *encoded = headers_get(said, "grpc-message");
    struct buf text = { 0 };
    struct headers trailers;

    enum grpc_status status =
        number ? status_of(number) : grpc_status_of_http(http_status);
    if (encoded)
        grpc_text_decode(&text, encoded);
    else if (!number)
        buf_printf(&text, "the peer answered HTTP %d without grpc-status", http_status);

    h2conn_take_fields(&trailers, said);
    headers_remove(&trailers, "grpc-status");
    headers_remove(&trailers, "grpc-message");
    headers_remove(&trailers, "content-type"); /* of an only head */
    call_finish(call, status, text.len > 0 ? buf_text(&text) : NULL, &trailers);
    headers_done(&trailers);
    buf_done(&text);
}

/* Until the head was taken. */
static int http_status_of(const struct h2_stream *stream) {
    const char *status = headers_get(&stream->head, ":status");
    return status ? (int)strtol(status, NULL, 10) : 0;
}

/* A head that promises messages; errors of HTTP and an only head do not. */
static bool is_grpc(const struct h2_stream *stream) {
    const char *status = headers_get(&stream->head, ":status");
    return stream->has_head && status && strcmp(status, "200") == 0 &&
           grpc_is_content_type(headers_get(&stream->head, "content-type")) &&
           !headers_get(&stream->head, "grpc-status");
}

static void take_head(struct client_half *client) {
    struct h2_stream *stream = client->half.stream;
    struct headers head;

    if (client->gave_head || !is_grpc(stream))
        return;
    client->gave_head = true;
    stop_keeping(client);
    h2conn_take_fields(&head, &stream->head);
    call_reply_head(client->call, &head);
    headers_done(&head);
}

static void take_reply(struct client_half *client) {
    struct h2_stream *stream = client->half.stream;
    struct call *call = client->call;

    if (!client->gave_head) { /* the body of an error: nobody reads it */
        size_t len = stream->in.len;
        pipe_done(&stream->in);
        h2_stream_consume(stream, len);
        return;
    }
    call_reply_move(call, &stream->in, SIZE_MAX);
    uint64_t taken = call->reply_total - call->reply.len;
    if (taken > client->credited) {
        h2_stream_consume(stream, (size_t)(taken - client->credited));
        client->credited = taken;
    }
}

static void finish_reset(struct client_half *client) {
    const struct h2_stream *stream = client->half.stream;

    client->call->cut = true;
    if (stream->refused)
        call_finish_cut(client->call, "the peer refused the stream",
                        CALL_DELIVERED_UNKNOWN);
    else if (stream->was_reset && stream->reset_code == H2_CANCEL)
        call_finish(client->call, GRPC_CANCELLED, "the peer cancelled the stream", NULL);
    else if (stream->was_reset && stream->reset_code == H2_ENHANCE_YOUR_CALM)
        call_finish(client->call, GRPC_RESOURCE_EXHAUSTED, "the peer asks for calm",
                    NULL);
    else if (stream->was_reset)
        call_fail(client->call, GRPC_INTERNAL,
                  "the peer reset the stream (HTTP/2 error %u)",
                  (unsigned)stream->reset_code);
    else
        finish_lost(client->call);
}

static void pump(struct h2half *half) {
    struct client_half *client = container_of(half, struct client_half, half);
    struct h2_stream *stream = half->stream;
    struct call *call = client->call;

    if (call->finished) {
        done(client);
        return;
    }
    if (!stream->closed)
        send_request(client);
    take_head(client);
    take_reply(client);
    if (stream->in_ended)
        h2conn_client_finish(
            call, stream->trailers.count > 0 ? &stream->trailers : &stream->head,
            client->gave_head ? HTTP_OK : http_status_of(stream));
    else if (stream->closed && stream->refused && give_back(client))
        return;
    else if (stream->closed)
        finish_reset(client);
    if (call->finished)
        done(client);
    else
        h2conn_mark_dirty(half->h2conn);
}

static void on_wake(struct call *call, void *user) {
    struct client_half *client = user;
    pump(&client->half);
}

static void make_head(struct headers *head,
                      const struct h2conn *h2conn,
                      const struct call *call) {
    uint64_t left_ms = call_time_left_ms(call);

    headers_lend_text(head, ":method", "POST");
    headers_lend_text(head, ":scheme", conn_is_tls(h2conn->conn) ? "https" : "http");
    headers_add(head, ":path", call->method);
    headers_add(head, ":authority", h2conn->authority);
    headers_lend_text(head, "te", "trailers");
    if (!headers_get(&call->metadata, "content-type"))
        headers_lend_text(head, "content-type", "application/grpc");
    if (left_ms != UINT64_MAX) {
        char timeout[16];
        grpc_timeout_write(left_ms > 0 ? left_ms : 1, timeout);
        headers_add(head, "grpc-timeout", timeout);
    }
    h2conn_lend_fields(head, &call->metadata);
}

void h2conn_client_refuse(struct call *call) {
    if (call->again)
        call_start(call, TAKE(call->again));
    else
        call_finish_cut(call, "the connection takes no more calls",
                        CALL_DELIVERED_UNKNOWN);
}

void h2conn_client_start(struct target *target, struct call *call) {
    struct h2conn *h2conn = container_of(target, struct h2conn, target);
    struct h2_stream *stream = NULL;

    if (call->tunnel) {
        h2conn_tunnel_start(h2conn, call);
        return;
    }
    if (!h2conn->over && !h2conn->draining) {
        struct headers head;
        headers_init(&head);
        make_head(&head, h2conn, call);
        stream = h2_request(h2conn->h2, &head, true);
        headers_done(&head);
    }
    if (!stream) {
        h2conn_client_refuse(call);
        return;
    }

    struct client_half *client = mem_new(sizeof(*client));
    struct call_half callee = { .on_wake = on_wake, .user = client };
    *client = (struct client_half) {
        .half = { .pump = pump, .sever = sever },
        .call = call,
        .keeps = call->again != NULL,
    };
    call_attach_callee(call, &callee);
    h2conn_add_half(h2conn, &client->half, stream);
    pump(&client->half);
}
