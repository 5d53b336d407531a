#include "cli/forward/forward.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/forward/forward_spec.h"
#include "cli/hub/session.h"
#include "cli/output.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/tunnel.h"

enum {
    RETRY_MS = 250,    /* between two questions whether a node is back */
    HANDSHAKE_MS = 1,  /* there is none: connections are plain */
    WAITING_MAX = 1024 /* connections that nobody has taken yet */
};

/* One local port. */
struct port {
    struct list node;
    struct forward *forward;   /* borrowed: owns this */
    struct listener *listener; /* owned */
    char to[ADDRESS_TEXT_LEN];
};

/* One connection. Without a splice it waits. */
struct passage {
    struct list node;
    struct port *port;     /* borrowed: lives as long as the forward */
    struct conn *conn;     /* owned while it waits */
    struct splice *splice; /* owned */
    struct timer retry;
    uint64_t until_ms; /* how long it may wait */
    char *peer;        /* owned */
};

struct forward {
    struct forward_config config;
    struct list ports;
    struct list passages;
    struct listener_limits limits;
    struct forward_totals totals;
    char *told; /* owned: the last failure, which is told once */
    bool paused;
};

static void ask(struct passage *passage);

static struct loop *loop_of(const struct forward *forward) {
    return cli_loop(forward->config.cli);
}

/* --- telling --- */

static void tell_json(const struct forward *forward,
                      const char *event,
                      const struct port *port,
                      const char *peer,
                      const struct call *call) {
    struct buf out = { 0 };

    buf_printf(&out, "{\"event\": \"%s\", \"node\": ", event);
    output_add_string(&out, forward->config.node);
    buf_add_text(&out, ", \"local\": ");
    output_add_string(&out, listener_address(port->listener));
    buf_add_text(&out, ", \"to\": ");
    output_add_string(&out, port->to);
    if (peer) {
        buf_add_text(&out, ", \"peer\": ");
        output_add_string(&out, peer);
    }
    if (call) {
        buf_printf(&out, ", \"sent\": %llu, \"received\": %llu, \"status\": \"%s\"",
                   (unsigned long long)call->request_total,
                   (unsigned long long)call->reply_total,
                   grpc_status_name((int)call->status));
        if (call->message && call->message[0] != '\0') {
            buf_add_text(&out, ", \"message\": ");
            output_add_string(&out, call->message);
        }
    }
    buf_add_byte(&out, '}');
    puts(buf_text(&out));
    fflush(stdout);
    buf_done(&out);
}

static void tell(const struct passage *passage,
                 const char *event,
                 const struct call *call) {
    const struct forward *forward = passage->port->forward;
    const struct cli *cli = forward->config.cli;

    if (cli->json)
        tell_json(forward, event, passage->port, passage->peer, call);
    else if (cli->verbose > 0 && call)
        report_note("%s %s %s: %llu bytes there, %llu back", event, passage->peer,
                    passage->port->to, (unsigned long long)call->request_total,
                    (unsigned long long)call->reply_total);
    else if (cli->verbose > 0)
        report_note("%s %s %s", event, passage->peer, passage->port->to);
}

int forward_report(struct cli *cli,
                   const char *node,
                   const char *to,
                   enum grpc_status status,
                   const char *message,
                   const struct headers *trailers) {
    const char *asked = headers_get(trailers, "roost-remedy");
    auto_(mem_freep) char *remedy = NULL;

    if (cli->session && session_is_lost(cli->session))
        return report_fail(REPORT_NO_HUB, "roost doctor",
                           "%s %s: the connection to the hub was lost", node, to);
    if (asked)
        remedy = mem_printf("%s (on %s)", asked, node);
    else if (status == GRPC_PERMISSION_DENIED)
        remedy = mem_strdup("roost whoami");
    else if (status == GRPC_UNAVAILABLE || status == GRPC_NOT_FOUND)
        remedy = mem_strdup("roost nodes");
    else if (status == GRPC_UNAUTHENTICATED)
        remedy = mem_strdup("roost login https://HOST:8000 --code CODE");
    return report_fail(report_exit_of(status), remedy, "%s %s: %s", node, to,
                       message[0] ? message : grpc_status_name((int)status));
}

/* A client that tries again and again gets the same answer: it is told once. */
static void complain(struct forward *forward,
                     const struct port *port,
                     const struct call *call) {
    if (forward->told && strcmp(forward->told, call->message) == 0)
        return;
    free(forward->told);
    forward->told = mem_strdup(call->message);
    forward_report(forward->config.cli, forward->config.node, port->to, call->status,
                   call->message, &call->trailers);
}

/* --- passages --- */

static void forget(struct passage *passage) {
    timer_stop(&passage->retry);
    list_remove(&passage->node);
    free(passage->peer);
    free(passage);
}

static void on_waiting_closed(void *owner, int reason) {
    struct passage *passage = owner;

    conn_close(TAKE(passage->conn));
    forget(passage);
}

/* Keeps the connection, unread, until there is a way. */
static void wait_on(struct passage *passage, struct conn *conn) {
    static const struct conn_events events = { .on_closed = on_waiting_closed };
    struct forward *forward = passage->port->forward;

    passage->conn = conn;
    conn_pause(conn, true);
    conn_set_owner(conn, &events, passage);
    timer_start(loop_of(forward), &passage->retry, RETRY_MS);
}

static void on_retry(struct timer *timer) {
    struct passage *passage = container_of(timer, struct passage, retry);
    struct forward *forward = passage->port->forward;

    if (!forward->paused) {
        ask(passage);
    } else if (loop_now_ms(loop_of(forward)) >= passage->until_ms) {
        forward->totals.failed++;
        report_note("%s: closed, the hub is away", passage->peer);
        conn_abort(TAKE(passage->conn));
        forget(passage);
    } else {
        timer_start(loop_of(forward), &passage->retry, RETRY_MS);
    }
}

static void on_open(void *arg, struct splice *splice) {
    struct passage *passage = arg;
    tell(passage, "opened", NULL);
}

/* Is the node, or the hub, merely away? */
static bool may_come_back(const struct passage *passage, const struct call *call) {
    const struct forward *forward = passage->port->forward;
    return call->status == GRPC_UNAVAILABLE &&
           loop_now_ms(loop_of(forward)) < passage->until_ms;
}

static void on_done(void *arg, struct splice *splice, const struct call *call) {
    struct passage *passage = arg;
    struct forward *forward = passage->port->forward;
    bool was_opened = call->has_reply_head;
    struct conn *conn =
        !was_opened && may_come_back(passage, call) ? tunnel_take_conn(splice) : NULL;

    passage->splice = NULL;
    if (conn) {
        wait_on(passage, conn);
        return;
    }
    forward->totals.sent += call->request_total;
    forward->totals.received += call->reply_total;
    forward->totals.failed += !was_opened && call->status != GRPC_CANCELLED;
    if (!was_opened && call->status != GRPC_CANCELLED)
        complain(forward, passage->port, call);
    tell(passage, was_opened ? "closed" : "failed", call);
    forget(passage);
}

static void ask(struct passage *passage) {
    const struct forward *forward = passage->port->forward;
    struct session *session = forward->config.cli->session;
    struct conn *conn = TAKE(passage->conn);
    struct headers metadata;

    session_metadata(session, forward->config.node, &metadata);
    struct tunnel_request request = {
        .target = session_target(session),
        .to = passage->port->to,
        .metadata = &metadata,
        .on_open = on_open,
        .on_done = on_done,
        .arg = passage,
    };
    conn_pause(conn, false);
    passage->splice = tunnel_ask(conn, &request);
    headers_done(&metadata);
}

static void on_conn(void *arg, struct conn *conn) {
    struct port *port = arg;
    struct forward *forward = port->forward;
    struct passage *passage = mem_new(sizeof(*passage));

    listener_vouch(conn);
    forward->totals.connections++;
    *passage = (struct passage) {
        .port = port,
        .retry.fire = on_retry,
        .until_ms = loop_now_ms(loop_of(forward)) + FORWARD_WAIT_MS,
        .peer = mem_strdup(conn_peer(conn)),
    };
    list_add_tail(&forward->passages, &passage->node);
    if (forward->paused) {
        wait_on(passage, conn);
    } else {
        passage->conn = conn;
        ask(passage);
    }
}

/* --- */

struct forward *forward_new(const struct forward_config *config) {
    struct forward *forward = mem_new(sizeof(*forward));

    forward->config = *config;
    forward->limits = (struct listener_limits) {
        .handshake_ms = HANDSHAKE_MS,
        .unauthenticated_max = WAITING_MAX,
        .per_client_max = WAITING_MAX,
    };
    list_init(&forward->ports);
    list_init(&forward->passages);
    return forward;
}

static int listen_at(struct port *port, const struct address *local) {
    char address[ADDRESS_TEXT_LEN];
    struct listener_config config = {
        .address = address,
        .limits = &port->forward->limits,
        .on_conn = on_conn,
        .arg = port,
    };

    address_print(local, address);
    return listener_new(loop_of(port->forward), &config, &port->listener);
}

int forward_listen(struct forward *forward, const struct forward_spec *spec) {
    struct port *port = mem_new(sizeof(*port));
    struct address local = spec->local;
    char text[ADDRESS_TEXT_LEN];

    port->forward = forward;
    address_print(&spec->to, port->to);
    int r = listen_at(port, &local);
    if (r < 0 && !spec->chose_port) {
        local.port = 0; /* the same one is taken, or not for us */
        r = listen_at(port, &local);
    }
    if (r < 0) {
        free(port);
        address_print(&local, text);
        return report_fail(REPORT_FAILED, "roost forward NODE 0:HOST:PORT", "%s: %s",
                           text, strerror(-r));
    }
    list_add_tail(&forward->ports, &port->node);
    if (forward->config.cli->json)
        tell_json(forward, "listening", port, NULL, NULL);
    else
        printf("%s -> %s %s\n", listener_address(port->listener), forward->config.node,
               port->to);
    fflush(stdout);
    return 0;
}

void forward_pause(struct forward *forward) {
    forward->paused = true;
}

void forward_resume(struct forward *forward) {
    forward->paused = false;
    list_for_each_safe(node, after, &forward->passages) {
        struct passage *passage = container_of(node, struct passage, node);
        if (passage->conn) {
            timer_stop(&passage->retry);
            ask(passage);
        }
    }
}

struct forward_totals forward_totals(const struct forward *forward) {
    return forward->totals;
}

struct forward *forward_free(struct forward *forward) {
    struct list *node;

    if (!forward)
        return NULL;
    while (!list_is_empty(&forward->passages)) {
        struct passage *passage =
            container_of(forward->passages.next, struct passage, node);
        tunnel_cut(passage->splice);
        if (passage->conn)
            conn_abort(passage->conn);
        forget(passage);
    }
    while ((node = list_pop(&forward->ports))) {
        struct port *port = container_of(node, struct port, node);
        listener_free(port->listener);
        free(port);
    }
    free(forward->told);
    free(forward);
    return NULL;
}
