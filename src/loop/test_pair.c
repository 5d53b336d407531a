#include "loop/test_pair.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "loop/conn_tcp.h"
#include "loop/conn_tls.h"
#include "loop/netaddr.h"
#include "loop/wsconn.h"

static const struct listener_limits limits = {
    .handshake_ms = 10000,
    .unauthenticated_max = 100,
    .per_client_max = 100,
};

static void stop_when_open(struct test_pair *pair) {
    if (pair->client && pair->server)
        loop_stop(pair->loop);
}

static void on_conn(void *arg, struct conn *conn) {
    struct test_pair *pair = arg;
    pair->server = conn;
    stop_when_open(pair);
}

struct opening {
    struct test_pair *pair;
    struct conn *conn;
    bool with_tls;
};

static void on_secured(void *arg, int result, const char *why) {
    struct opening *opening = arg;
    (void)why;
    CHECK_INT(result, 0);
    opening->pair->client = opening->conn;
    stop_when_open(opening->pair);
}

static void on_connected(void *arg, int status) {
    struct opening *opening = arg;
    struct test_pair *pair = opening->pair;
    struct conn_tls_target target = { .name = "localhost", .port = 1, .alpn = "h2" };

    CHECK_INT(status, 0);
    if (opening->with_tls) {
        opening->conn = conn_tls_connect(opening->conn, pair->tls_client, &target,
                                         on_secured, opening);
        return;
    }
    pair->client = opening->conn;
    stop_when_open(pair);
}

static void set_up_tls(struct test_pair *pair) {
    char *why = NULL;
    struct tls_trust trust = { 0 };

    test_certs_init(&pair->certs);
    trust.pin = pair->certs.pin;
    pair->tls_server = tls_server_new();
    CHECK_INT(tls_server_load(pair->tls_server, pair->certs.cert, pair->certs.key, &why),
              0);
    CHECK_INT(tls_client_new(&trust, NULL, &pair->tls_client), 0);
}

unsigned test_pair_port(const char *address) {
    return (unsigned)strtoul(strrchr(address, ':') + 1, NULL, 10);
}

void test_pair_open(struct test_pair *pair, enum transport transport) {
    bool with_tls = transport == TRANSPORT_TLS || transport == TRANSPORT_WSS;
    struct opening opening = { .pair = pair, .with_tls = with_tls };
    struct sockaddr_storage address;

    *pair = (struct test_pair) { .loop = loop_new() };
    if (with_tls)
        set_up_tls(pair);
    struct listener_config config = {
        .address = "127.0.0.1:0",
        .tls = pair->tls_server,
        .limits = &limits,
        .on_conn = on_conn,
        .arg = pair,
    };
    CHECK_INT(listener_new(pair->loop, &config, &pair->listener), 0);
    unsigned port = test_pair_port(listener_address(pair->listener));
    CHECK(netaddr_parse("127.0.0.1", port, &address));
    opening.conn = conn_tcp_connect(pair->loop, &address, on_connected, &opening);
    loop_run(pair->loop);
    pair->listener = listener_free(pair->listener);

    if (transport == TRANSPORT_WS || transport == TRANSPORT_WSS) {
        pair->client = wsconn_new(pair->client, true);
        pair->server = wsconn_new(pair->server, false);
    }
}

void test_pair_close(struct test_pair *pair) {
    if (pair->client)
        conn_close(pair->client);
    if (pair->server)
        conn_close(pair->server);
    pair->loop = loop_free(pair->loop);
    tls_client_free(pair->tls_client);
    tls_server_free(pair->tls_server);
    if (pair->certs.folder)
        test_certs_done(&pair->certs);
}
