/*
 * echo - a server made of Roost's own layers, for conformance suites
 *
 *   echo --listen ADDR:PORT [--tls]
 *
 * It echoes WebSocket messages at /ws, HTTP request bodies at /echo, and the messages of
 * every gRPC method. With --tls it makes a certificate of its own in a temporary folder.
 * HTTP/1.1 and HTTP/2 are served on the same port. SIGTERM and SIGINT end it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto_cert.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/tls.h"
#include "rpc/call.h"
#include "rpc/exchange.h"
#include "rpc/front.h"
#include "wire/ws.h"

enum { WS_MESSAGE_MAX = 32 << 20 };

struct echo {
    struct loop *loop;         /* owned */
    struct front *front;       /* owned */
    struct listener *listener; /* owned */
    struct tls_server *tls;    /* owned; NULL when plain */
    struct list sockets;       /* of struct socket */
};

/* One WebSocket. */
struct socket {
    struct list node;
    struct conn *conn; /* owned */
    struct ws *ws;     /* owned */
};

static void socket_end(struct socket *socket) {
    list_remove(&socket->node);
    conn_close(socket->conn);
    ws_free(socket->ws);
    free(socket);
}

static void socket_flush(struct socket *socket) {
    struct buf out = { 0 };

    ws_drain(socket->ws, &out);
    if (out.len > 0)
        conn_send(socket->conn, buf_slice(&out));
    buf_done(&out);
    conn_pause(socket->conn, !conn_is_writable(socket->conn));
}

static void socket_on_bytes(void *owner, struct slice bytes) {
    struct socket *socket = owner;
    struct ws_message message;

    int r = ws_feed(socket->ws, bytes);
    while (ws_next(socket->ws, &message))
        ws_send(socket->ws, message.opcode, message.bytes);
    socket_flush(socket);
    if (r < 0 || ws_is_closed(socket->ws))
        conn_finish(socket->conn);
}

static void socket_on_writable(void *owner) {
    socket_flush(owner);
}

static void socket_on_closed(void *owner, int reason) {
    socket_end(owner);
}

static void serve_websocket(struct echo *echo, struct exchange *exchange) {
    static const struct conn_events events = {
        .on_bytes = socket_on_bytes,
        .on_writable = socket_on_writable,
        .on_closed = socket_on_closed,
    };
    struct headers head;

    if (!ws_is_handshake(exchange->head)) {
        exchange_answer(exchange, 400, NULL, slice_of(NULL, 0));
        exchange_release(exchange);
        return;
    }
    headers_init(&head);
    ws_accept(exchange->head, NULL, &head);
    struct conn *conn = exchange_upgrade(exchange, &head);
    headers_done(&head);
    if (!conn) {
        exchange_answer(exchange, 400, NULL, slice_of(NULL, 0));
        exchange_release(exchange);
        return;
    }
    struct socket *socket = mem_new(sizeof(*socket));
    socket->conn = conn;
    socket->ws = ws_new(false, WS_MESSAGE_MAX);
    list_add_tail(&echo->sockets, &socket->node);
    listener_vouch(conn);
    conn_set_owner(conn, &events, socket);
}

/* Streams the request's body back as it comes. */
static void on_echo_wake(struct exchange *exchange) {
    if (exchange->gone) {
        exchange_release(exchange);
        return;
    }
    while (exchange->body->len > 0 && exchange_room(exchange) > 0) {
        struct slice part = pipe_peek(exchange->body);
        size_t len = part.len;
        exchange_write(exchange, part);
        pipe_drop(exchange->body, len);
        exchange_taken(exchange, len);
    }
    if (exchange->body_ended && exchange->body->len == 0) {
        exchange_end(exchange);
        exchange_release(exchange);
    }
}

static void serve_echo(struct exchange *exchange) {
    const char *type = headers_get(exchange->head, "content-type");
    struct headers head;

    headers_init(&head);
    headers_add(&head, ":status", "200");
    headers_add(&head, "content-type", type ? type : "application/octet-stream");
    exchange_respond(exchange, &head, true);
    headers_done(&head);
    exchange->on_wake = on_echo_wake;
    on_echo_wake(exchange);
}

static void on_exchange(void *arg, struct exchange *exchange) {
    const char *path = exchange_path(exchange);

    listener_vouch(exchange->conn);
    if (strcmp(path, "/ws") == 0) {
        serve_websocket(arg, exchange);
    } else if (strcmp(path, "/echo") == 0) {
        serve_echo(exchange);
    } else {
        exchange_answer(exchange, 200, "text/plain", slice_of_text("echo\n"));
        exchange_release(exchange);
    }
}

/* The callee's half of any gRPC call: framed messages go back as they came. */
static void on_call_wake(struct call *call, void *user) {
    if (!call->finished) {
        while (call->request.len > 0 && call->reply.len < CALL_PIPE_MAX)
            call_reply_move(call, &call->request, CALL_PIPE_MAX - call->reply.len);
        call_request_taken(call);
        if (call->request_ended && call->request.len == 0)
            call_finish(call, GRPC_OK, "", NULL);
    }
    if (call->finished)
        call_detach_callee(call);
}

static void on_call(void *arg, struct call *call, struct conn *conn) {
    struct call_half callee = { .on_wake = on_call_wake };
    const char *encoding = headers_get(&call->metadata, "grpc-encoding");
    struct headers head;

    listener_vouch(conn);
    call_attach_callee(call, &callee);
    headers_init(&head);
    headers_add(&head, "content-type", "application/grpc");
    if (encoding)
        headers_add(&head, "grpc-encoding", encoding);
    call_reply_head(call, &head);
    headers_done(&head);
    loop_post(call->loop, &call->wake_callee);
}

static void on_conn(void *arg, struct conn *conn) {
    struct echo *echo = arg;
    front_serve(echo->front, conn);
}

static void on_signal(void *arg, int signo) {
    struct echo *echo = arg;
    loop_stop(echo->loop);
}

/* A certificate for this run: made, loaded, deleted. */
static int make_tls(struct echo *echo) {
    static const char *const names[] = { "localhost", "127.0.0.1", "::1" };
    char folder[] = "/tmp/echo-XXXXXX";
    char *why = NULL;

    if (!mkdtemp(folder))
        return -errno;
    char *ca = file_join(folder, "ca.pem");
    char *ca_key = file_join(folder, "ca.key");
    char *cert = file_join(folder, "cert.pem");
    char *key = file_join(folder, "key.pem");
    struct crypto_cert_leaf leaf = {
        .ca_cert_path = ca,
        .ca_key_path = ca_key,
        .cert_path = cert,
        .key_path = key,
        .names = names,
        .name_count = 3,
        .now_ms = clock_wall_ms(),
    };
    int r = crypto_cert_make_ca(ca, ca_key, leaf.now_ms);
    if (r == 0)
        r = crypto_cert_make_leaf(&leaf);
    echo->tls = tls_server_new();
    if (r == 0)
        r = tls_server_load(echo->tls, cert, key, &why);
    free(why);
    char *files[] = { ca, ca_key, cert, key };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        unlink(files[i]);
        free(files[i]);
    }
    rmdir(folder);
    return r;
}

static int run(struct echo *echo, const char *address) {
    static const struct listener_limits limits = {
        .handshake_ms = 10000,
        .unauthenticated_max = 10000,
        .per_client_max = 10000,
    };
    struct front_config front = {
        .limits = {
            .header_bytes_max = 65536,
            .streams_max = 1024, /* what a proxy in front of it puts on one connection */
            .head_ms = 10000,
            .body_ms = 60000,
            .idle_ms = 60000,
            .stranger_ms = 20000,
        },
        .on_call = on_call,
        .on_exchange = on_exchange,
        .arg = echo,
    };
    struct listener_config listener = {
        .address = address,
        .tls = echo->tls,
        .limits = &limits,
        .on_conn = on_conn,
        .arg = echo,
    };

    echo->front = front_new(echo->loop, &front);
    int r = listener_new(echo->loop, &listener, &echo->listener);
    if (r < 0) {
        fprintf(stderr, "echo: cannot listen on %s: %s\n", address, strerror(-r));
        echo->front = front_free(echo->front);
        return 1;
    }
    struct loop_signal *term = loop_signal_new(echo->loop, SIGTERM, on_signal, echo);
    struct loop_signal *interrupt = loop_signal_new(echo->loop, SIGINT, on_signal, echo);
    log_info("ready on %s", listener_address(echo->listener));
    loop_run(echo->loop);
    loop_signal_free(term);
    loop_signal_free(interrupt);
    listener_free(echo->listener);
    while (!list_is_empty(&echo->sockets))
        socket_end(container_of(echo->sockets.next, struct socket, node));
    front_free(echo->front);
    return 0;
}

int main(int argc, char **argv) {
    struct echo echo = { 0 };
    const char *address = NULL;
    bool tls = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--tls") == 0)
            tls = true;
        else if (strcmp(argv[i], "--listen") == 0 && i + 1 < argc)
            address = argv[++i];
        else
            address = NULL, i = argc;
    }
    if (!address) {
        fprintf(stderr, "usage: echo --listen ADDR:PORT [--tls]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    echo.loop = loop_new();
    list_init(&echo.sockets);
    if (tls && make_tls(&echo) != 0) {
        fprintf(stderr, "echo: cannot make a certificate\n");
        return 1;
    }
    int status = run(&echo, address);
    tls_server_free(echo.tls);
    loop_free(echo.loop);
    return status;
}
