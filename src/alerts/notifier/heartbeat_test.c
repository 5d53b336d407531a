#include "alerts/notifier/heartbeat.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/test_server.h"
#include "store/records.h"

/* A hub with a store that writes, refuses, or does not answer. */
struct world {
    struct test_server server;
    struct heartbeat *heartbeat;
    char *url;
    int result;    /* of the store's */
    bool is_stuck; /* it does not answer */
    const char *trouble;
    unsigned writes;
    unsigned wanted; /* so many writes or heard beats end the wait */
    char last[128];  /* what was told of it; "heard" */
    unsigned changes;
    struct task later;
    struct timer timer;
    void (*done)(void *arg, int result);
    void *done_arg;
};

static void answer(struct test_server *server, const char *request, struct buf *out) {
    struct world *world = container_of(server, struct world, server);

    CHECK(strncmp(request, "GET /beat HTTP/", 15) == 0);
    buf_add_text(out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (server->requests + 1 >= world->wanted && world->wanted > 0)
        loop_stop(server->loop);
}

static void answer_store(struct task *task) {
    struct world *world = container_of(task, struct world, later);

    world->done(world->done_arg, world->result);
    if (world->result != 0 && world->writes >= world->wanted)
        loop_stop(world->server.loop);
}

static int put(void *arg,
               struct records *records,
               void (*done)(void *done_arg, int result),
               void *done_arg) {
    struct world *world = arg;

    records_done(records);
    world->writes++;
    world->done = done;
    world->done_arg = done_arg;
    if (world->is_stuck)
        return 0;
    loop_post(world->server.loop, &world->later);
    return 0;
}

static const char *trouble(void *arg) {
    return ((struct world *)arg)->trouble;
}

static void on_change(void *arg, const char *why) {
    struct world *world = arg;

    world->changes++;
    snprintf(world->last, sizeof(world->last), "%s", why ? why : "heard");
    if (world->wanted == 0)
        loop_stop(world->server.loop);
}

static void open_world(struct world *world) {
    *world = (struct world) { .later.run = answer_store };
    test_server_open(&world->server, answer);
    world->url = test_server_url(&world->server, "/beat");
    const struct heartbeat_config config = {
        .loop = world->server.loop,
        .url = world->url,
        .every_ms = 10,
        .trouble = trouble,
        .on_change = on_change,
        .arg = world,
        .put = put,
    };
    world->heartbeat = heartbeat_new(&config);
}

static void close_world(struct world *world) {
    heartbeat_free(world->heartbeat);
    loop_cancel(&world->later);
    free(world->url);
    test_server_close(&world->server);
}

static void it_beats_while_the_store_writes(void) {
    struct world world;
    open_world(&world);
    world.wanted = 3;
    loop_run(world.server.loop);
    CHECK(world.server.requests >= 2);
    CHECK(world.writes >= 3);
    CHECK_INT(world.changes, 0);
    close_world(&world);
}

static void it_stops_when_the_store_cannot_write_and_goes_on_when_it_can(void) {
    struct world world;
    open_world(&world);
    world.result = -ENOSPC;
    world.wanted = 3;
    loop_run(world.server.loop);
    CHECK_INT(world.server.visit_count, 0);
    CHECK_TEXT(world.last, "the store cannot write");
    CHECK_INT(world.changes, 1);
    world.result = 0;
    world.wanted = 0;
    loop_run(world.server.loop);
    CHECK_TEXT(world.last, "heard");
    world.trouble = "the disk is full";
    loop_run(world.server.loop);
    CHECK_TEXT(world.last, "the disk is full");
    close_world(&world);
}

static void stop(struct timer *timer) {
    loop_stop(container_of(timer, struct world, timer)->server.loop);
}

/* A write that never ends is one write, and no beat. */
static void it_stops_when_the_store_hangs(void) {
    struct world world;
    open_world(&world);
    world.is_stuck = true;
    world.wanted = 1000;
    world.timer.fire = stop;
    timer_start(world.server.loop, &world.timer, 100);
    loop_run(world.server.loop);
    CHECK_INT(world.writes, 1);
    CHECK_INT(world.server.visit_count, 0);
    close_world(&world);
    world.done(world.done_arg, 0); /* its heartbeat has gone */
}

TESTS(TEST(it_beats_while_the_store_writes),
      TEST(it_stops_when_the_store_cannot_write_and_goes_on_when_it_can),
      TEST(it_stops_when_the_store_hangs))
