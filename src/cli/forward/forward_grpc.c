#include "cli/forward/forward_grpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/hub/session.h"
#include "cli/output.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "rpc/call.h"
#include "rpc/exchange.h"
#include "rpc/front.h"

enum {
    HEADER_BYTES_MAX = 65536,
    STREAMS_MAX = 1000,  /* calls of one client at the same time */
    HEAD_MS = 10000,     /* a client says what it wants within */
    CLIENTS_MAX = 1024,  /* connections */
    HANDSHAKE_MS = 1000, /* there is none: connections are plain */
};

struct forward_grpc {
    struct cli *cli;  /* borrowed: the command */
    const char *node; /* borrowed: the command */
    struct front *front;
    struct listener *listener;
    struct listener_limits limits;
    bool paused;
};

static void on_call(void *arg, struct call *call, struct conn *conn) {
    struct forward_grpc *forward = arg;
    struct session *session = forward->cli->session;
    struct headers ours;

    if (call->tunnel) {
        call_finish(call, GRPC_UNIMPLEMENTED, "this port takes gRPC alone", NULL);
        return;
    }
    if (forward->paused || !session || session_is_lost(session)) {
        call_finish(call, GRPC_UNAVAILABLE,
                    "the connection to the hub is being made anew", NULL);
        return;
    }
    headers_remove(&call->metadata, "name");
    headers_remove(&call->metadata, "roost-node");
    headers_remove(&call->metadata, "proxy-authorization");
    session_metadata(session, forward->node, &ours);
    headers_add_all(&call->metadata, &ours);
    headers_done(&ours);
    if (forward->cli->verbose > 0)
        report_note("%s %s", conn_peer(conn), call->method);
    call_start(call, session_target(session));
}

static void on_exchange(void *arg, struct exchange *exchange) {
    exchange_answer(exchange, 415, "text/plain", slice_of_text("this port takes gRPC\n"));
    exchange_release(exchange);
}

static void on_conn(void *arg, struct conn *conn) {
    struct forward_grpc *forward = arg;

    listener_vouch(conn);
    front_serve(forward->front, conn);
}

static void tell(const struct forward_grpc *forward) {
    const char *local = listener_address(forward->listener);
    struct buf out = { 0 };

    if (forward->cli->json) {
        buf_add_text(&out, "{\"event\": \"listening\", \"node\": ");
        output_add_string(&out, forward->node);
        buf_add_text(&out, ", \"local\": ");
        output_add_string(&out, local);
        buf_add_text(&out, ", \"grpc\": true}");
    } else {
        buf_printf(&out, "%s -> %s gRPC", local, forward->node);
    }
    puts(buf_text(&out));
    fflush(stdout);
    buf_done(&out);
}

int forward_grpc_new(struct cli *cli,
                     const char *node,
                     const struct address *local,
                     struct forward_grpc **ret_forward) {
    struct forward_grpc *forward = mem_new(sizeof(*forward));
    struct front_config front = {
        .limits = {
            .header_bytes_max = HEADER_BYTES_MAX,
            .streams_max = STREAMS_MAX,
            .head_ms = HEAD_MS,
            .body_ms = HEAD_MS,
        },
        .on_call = on_call,
        .on_exchange = on_exchange,
        .arg = forward,
    };
    char address[ADDRESS_TEXT_LEN];
    struct listener_config listener = {
        .address = address,
        .limits = &forward->limits,
        .on_conn = on_conn,
        .arg = forward,
    };

    forward->cli = cli;
    forward->node = node;
    forward->limits = (struct listener_limits) { HANDSHAKE_MS, CLIENTS_MAX, CLIENTS_MAX };
    address_print(local, address);
    int r = listener_new(cli_loop(cli), &listener, &forward->listener);
    if (r < 0) {
        free(forward);
        return report_fail(REPORT_FAILED, "roost forward --grpc NODE 0", "%s: %s",
                           address, strerror(-r));
    }
    forward->front = front_new(cli_loop(cli), &front);
    tell(forward);
    *ret_forward = forward;
    return 0;
}

void forward_grpc_pause(struct forward_grpc *forward) {
    forward->paused = true;
}

void forward_grpc_resume(struct forward_grpc *forward) {
    forward->paused = false;
}

struct forward_grpc *forward_grpc_free(struct forward_grpc *forward) {
    if (!forward)
        return NULL;
    listener_free(forward->listener);
    front_free(forward->front);
    free(forward);
    return NULL;
}
