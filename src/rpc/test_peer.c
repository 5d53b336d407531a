#include "rpc/test_peer.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/conn_tcp.h"
#include "loop/netaddr.h"

enum { WATCHDOG_MS = 10000 };

static bool is_there(struct test_peer *peer) {
    return peer->awaited && strstr(test_peer_text(peer), peer->awaited);
}

static void on_bytes(void *owner, struct slice bytes) {
    struct test_peer *peer = owner;

    buf_add_slice(&peer->got, bytes);
    if (is_there(peer))
        loop_stop(peer->pair.loop);
}

static void on_closed(void *owner, int reason) {
    struct test_peer *peer = owner;

    peer->closed = true;
    peer->reason = reason;
    loop_stop(peer->pair.loop);
}

static void on_watchdog(struct timer *timer) {
    struct test_peer *peer = container_of(timer, struct test_peer, watchdog);
    fail_msg("no \"%s\" within ten seconds, but \"%.2000s\"",
             peer->awaited ? peer->awaited : "(end)", test_peer_text(peer));
}

static void on_pause(struct timer *timer) {
    struct test_peer *peer = container_of(timer, struct test_peer, pause);
    loop_stop(peer->pair.loop);
}

static void on_conn(void *arg, struct conn *conn) {
    struct test_peer *peer = arg;
    front_serve(peer->front, conn);
    loop_stop(peer->pair.loop);
}

static void on_connected(void *arg, int status) {
    CHECK_INT(status, 0);
}

/* A connection of a listener that stays, which knows its strangers. */
static void dial(struct test_peer *peer) {
    static const struct listener_limits limits = {
        .handshake_ms = 10000,
        .unauthenticated_max = 10,
        .per_client_max = 10,
    };
    struct listener_config config = {
        .address = "127.0.0.1:0",
        .limits = &limits,
        .on_conn = on_conn,
        .arg = peer,
    };
    struct sockaddr_storage address;

    CHECK_INT(listener_new(peer->pair.loop, &config, &peer->listener), 0);
    unsigned port = test_pair_port(listener_address(peer->listener));
    CHECK(netaddr_parse("127.0.0.1", port, &address));
    conn_close(peer->pair.client);
    conn_close(TAKE(peer->pair.server));
    peer->pair.client = conn_tcp_connect(peer->pair.loop, &address, on_connected, NULL);
    while (front_count(peer->front) == 0)
        loop_run(peer->pair.loop);
    test_peer_run(peer, 1);
}

void test_peer_open(struct test_peer *peer,
                    enum transport transport,
                    const struct front_config *config) {
    static const struct conn_events events = {
        .on_bytes = on_bytes,
        .on_closed = on_closed,
    };

    *peer = (struct test_peer) {
        .watchdog.fire = on_watchdog,
        .pause.fire = on_pause,
    };
    test_pair_open(&peer->pair, transport);
    peer->front = front_new(peer->pair.loop, config);
    if (transport == TRANSPORT_TCP)
        dial(peer);
    else
        front_serve(peer->front, TAKE(peer->pair.server));
    conn_set_owner(peer->pair.client, &events, peer);
}

void test_peer_send(struct test_peer *peer, struct slice bytes) {
    conn_send(peer->pair.client, bytes);
}

void test_peer_say(struct test_peer *peer, const char *text) {
    conn_send(peer->pair.client, slice_of_text(text));
}

bool test_peer_wait(struct test_peer *peer, const char *text) {
    peer->awaited = text;
    timer_start(peer->pair.loop, &peer->watchdog, WATCHDOG_MS);
    while (!peer->closed && !is_there(peer))
        loop_run(peer->pair.loop);
    timer_stop(&peer->watchdog);
    return is_there(peer);
}

void test_peer_wait_end(struct test_peer *peer) {
    peer->awaited = NULL;
    timer_start(peer->pair.loop, &peer->watchdog, WATCHDOG_MS);
    while (!peer->closed)
        loop_run(peer->pair.loop);
    timer_stop(&peer->watchdog);
}

void test_peer_run(struct test_peer *peer, unsigned for_ms) {
    timer_start(peer->pair.loop, &peer->pause, for_ms);
    while (timer_is_running(&peer->pause))
        loop_run(peer->pair.loop);
}

const char *test_peer_text(struct test_peer *peer) {
    return buf_text(&peer->got);
}

unsigned test_peer_count(struct test_peer *peer, const char *text) {
    unsigned count = 0;
    const char *at = test_peer_text(peer);

    while ((at = strstr(at, text))) {
        at += strlen(text);
        count++;
    }
    return count;
}

void test_peer_close(struct test_peer *peer) {
    peer->front = front_free(peer->front);
    peer->listener = listener_free(peer->listener);
    if (peer->pair.client)
        conn_close(TAKE(peer->pair.client));
    test_peer_run(peer, 1); /* what ends a turn later ends now */
    buf_done(&peer->got);
    test_pair_close(&peer->pair);
}
