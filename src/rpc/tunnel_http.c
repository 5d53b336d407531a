#include "rpc/tunnel_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "rpc/call.h"
#include "rpc/exchange.h"
#include "rpc/h2conn_private.h"
#include "rpc/tunnel.h"

struct tunnel_http {
    struct loop *loop;     /* borrowed: outlives us */
    struct target *target; /* borrowed: outlives us */
    struct list list;      /* of struct passage */
};

/* One of them: an exchange that waits, then a splice. */
struct passage {
    struct list node;
    struct exchange *exchange; /* owned until it is answered */
    struct call *call;         /* reference until there is a splice: we are its caller */
    struct splice *splice;     /* owned */
};

static void forget(struct passage *passage) {
    list_remove(&passage->node);
    free(passage);
}

static void give_up(struct passage *passage) {
    struct call *call = TAKE(passage->call);

    exchange_release(TAKE(passage->exchange));
    forget(passage);
    call_detach_caller(call);
}

static void on_done(void *arg, struct splice *splice, const struct call *call) {
    forget(arg);
}

static void refuse(struct passage *passage) {
    const struct call *call = passage->call;
    struct headers head;
    struct buf body = { 0 };
    char length[24];

    headers_init(&head);
    tunnel_refusal(&head, call);
    buf_printf(&body, "%s\n", call->message);
    snprintf(length, sizeof(length), "%zu", body.len);
    headers_add(&head, "content-type", "text/plain; charset=utf-8");
    headers_add(&head, "content-length", length);
    exchange_respond(passage->exchange, &head, true);
    exchange_write(passage->exchange, buf_slice(&body));
    exchange_end(passage->exchange);
    buf_done(&body);
    headers_done(&head);
    give_up(passage);
}

static void open_tunnel(struct passage *passage) {
    struct headers head;

    headers_init(&head);
    headers_add(&head, ":status", "200");
    struct conn *conn = exchange_upgrade(passage->exchange, &head);
    headers_done(&head);
    if (!conn) {
        give_up(passage);
        return;
    }
    passage->exchange = NULL;
    passage->splice = tunnel_join(TAKE(passage->call), conn, on_done, passage);
}

static void on_wake(struct call *call, void *user) {
    struct passage *passage = user;

    if (call->has_reply_head)
        open_tunnel(passage);
    else if (call->finished)
        refuse(passage);
}

static void on_exchange_wake(struct exchange *exchange) {
    if (exchange->gone || exchange->peer_ended)
        give_up(exchange->user);
}

/* "Basic base64(NODE:TOKEN)" as the two fields that it stands for. */
static void take_basic(struct headers *metadata) {
    static const char scheme[] = "Basic ";
    const char *value = headers_get(metadata, "proxy-authorization");
    struct buf text = { 0 };

    if (!value || strncasecmp(value, scheme, sizeof(scheme) - 1) != 0 ||
        base64_decode(&text, slice_of_text(value + sizeof(scheme) - 1)) != 0)
        return;
    const char *name = buf_text(&text);
    const char *colon = strchr(name, ':');
    if (colon) {
        char *node = mem_dup(name, (size_t)(colon - name));
        char *bearer = mem_printf("Bearer %s", colon + 1);
        headers_remove(metadata, "proxy-authorization");
        headers_add(metadata, "proxy-authorization", bearer);
        if (!headers_get(metadata, "name"))
            headers_add(metadata, "name", node);
        mem_wipe(bearer, strlen(bearer));
        free(bearer);
        free(node);
    }
    mem_wipe(text.data, text.len);
    buf_done(&text);
}

bool tunnel_http_is_asked(const struct exchange *exchange) {
    return strcmp(exchange_method(exchange), "CONNECT") == 0;
}

void tunnel_http_serve(struct tunnel_http *tunnels, struct exchange *exchange) {
    struct passage *passage = mem_new(sizeof(*passage));
    struct call_half caller = { .on_wake = on_wake, .user = passage };
    struct call *call = call_new_tunnel(tunnels->loop, exchange_path(exchange), &caller);
    struct headers copy;

    passage->exchange = exchange;
    passage->call = call;
    list_add_tail(&tunnels->list, &passage->node);
    exchange->user = passage;
    exchange->on_wake = on_exchange_wake;
    headers_init(&copy);
    headers_add_all(&copy, exchange->head);
    h2conn_take_fields(&call->metadata, &copy);
    headers_done(&copy);
    take_basic(&call->metadata);
    call->peer = mem_strdup(conn_peer(exchange->conn));
    call_start(call, tunnels->target);
    if (call->actor)
        listener_vouch(exchange->conn);
}

struct tunnel_http *tunnel_http_new(struct loop *loop, struct target *target) {
    struct tunnel_http *tunnels = mem_new(sizeof(*tunnels));

    tunnels->loop = loop;
    tunnels->target = target;
    list_init(&tunnels->list);
    return tunnels;
}

struct tunnel_http *tunnel_http_free(struct tunnel_http *tunnels) {
    if (!tunnels)
        return NULL;
    while (!list_is_empty(&tunnels->list)) {
        struct passage *passage = container_of(tunnels->list.next, struct passage, node);
        if (passage->exchange) {
            give_up(passage);
        } else {
            tunnel_cut(passage->splice);
            forget(passage);
        }
    }
    free(tunnels);
    return NULL;
}
