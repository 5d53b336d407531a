/* Is the peer of an HTTP/2 connection still there? */
#include <errno.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/loop.h"
#include "loop/test_pair.h"
#include "loop/timer.h"
#include "rpc/h2conn.h"

enum { WATCHDOG_MS = 10000 };

struct rig {
    struct test_pair pair;
    struct h2conn *client;
    struct h2conn *server;
    struct timer watchdog;
    struct timer pause;
    unsigned alive; /* answers to the client's probes */
    int reason;
    bool closed;
    bool free_when_alive;
};

static void on_watchdog(struct timer *timer) {
    fail_msg("the test hangs");
}

static void on_pause(struct timer *timer) {
    loop_stop(container_of(timer, struct rig, pause)->pair.loop);
}

static void on_alive(void *owner, struct h2conn *h2conn) {
    struct rig *rig = owner;

    rig->alive++;
    if (rig->free_when_alive)
        rig->client = h2conn_free(rig->client);
}

static void on_client_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct rig *rig = owner;
    rig->closed = true;
    rig->reason = reason;
    rig->client = h2conn_free(h2conn);
}

static void on_server_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct rig *rig = owner;
    rig->server = h2conn_free(h2conn);
}

static void run_for(struct rig *rig, unsigned ms) {
    timer_start(rig->pair.loop, &rig->pause, ms);
    while (timer_is_running(&rig->pause))
        loop_run(rig->pair.loop);
}

static void open_rig(struct rig *rig) {
    struct h2conn_config client = {
        .role = H2_CLIENT,
        .limits = { .window = 65536, .header_bytes_max = 16384 },
        .on_alive = on_alive,
        .on_closed = on_client_closed,
        .owner = rig,
    };
    struct h2conn_config server = {
        .role = H2_SERVER,
        .limits = { .streams_max = 10, .window = 65536, .header_bytes_max = 16384 },
        .on_closed = on_server_closed,
        .owner = rig,
    };

    *rig = (struct rig) { .watchdog.fire = on_watchdog, .pause.fire = on_pause };
    test_pair_open(&rig->pair, TRANSPORT_TCP);
    timer_start(rig->pair.loop, &rig->watchdog, WATCHDOG_MS);
    rig->client = h2conn_new(TAKE(rig->pair.client), &client);
    rig->server = h2conn_new(TAKE(rig->pair.server), &server);
    run_for(rig, 5); /* the settings arrive */
}

static void close_rig(struct rig *rig) {
    rig->client = h2conn_free(rig->client);
    rig->server = h2conn_free(rig->server);
    run_for(rig, 1);
    timer_stop(&rig->watchdog);
    test_pair_close(&rig->pair);
}

static void an_answer_to_a_probe_keeps_the_connection(void) {
    struct rig rig;

    open_rig(&rig);
    uint64_t heard_ms = h2conn_heard_ms(rig.client);
    h2conn_probe(rig.client, 5000);
    CHECK(h2conn_is_probing(rig.client));
    while (rig.alive == 0)
        run_for(&rig, 1);
    CHECK(!h2conn_is_probing(rig.client));
    h2conn_probe(rig.client, 40);
    run_for(&rig, 20);
    CHECK_INT(rig.alive, 2);
    CHECK(h2conn_heard_ms(rig.client) >= heard_ms);
    run_for(&rig, 60);
    CHECK(!rig.closed);
    close_rig(&rig);
}

static void the_answer_to_a_probe_may_end_the_connection(void) {
    struct rig rig;

    open_rig(&rig);
    rig.free_when_alive = true;
    h2conn_probe(rig.client, 5000);
    while (rig.client)
        run_for(&rig, 1);
    CHECK(!rig.closed); /* whoever freed it knows */
    close_rig(&rig);
}

static void a_dead_peer_is_told_by_a_probe(void) {
    struct rig rig;

    open_rig(&rig);
    conn_pause(h2conn_conn(rig.server), true); /* it is there, but says nothing */
    h2conn_probe(rig.client, 20);
    while (!rig.closed)
        run_for(&rig, 1);
    CHECK_INT(rig.reason, -ETIMEDOUT);
    CHECK_INT(rig.alive, 0);
    conn_pause(h2conn_conn(rig.server), false);
    close_rig(&rig);
}

TESTS(TEST(an_answer_to_a_probe_keeps_the_connection),
      TEST(the_answer_to_a_probe_may_end_the_connection),
      TEST(a_dead_peer_is_told_by_a_probe))
