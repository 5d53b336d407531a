#include "hub/activity/traffic.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "store/store.h"

struct place {
    struct loop *loop;
    struct traffic *traffic;
    struct actor *actor;
    struct traffic_watcher watcher;
    char seen[512]; /* what the watcher was told */
};

static void on_wake(struct call *call, void *user) {
}

static const struct call_half half = { .on_wake = on_wake };

static void place_init(struct place *place) {
    struct traffic_config config;

    *place = (struct place) { .loop = loop_new() };
    config = (struct traffic_config) { .loop = place->loop };
    place->traffic = traffic_new(&config);
    struct actor_rights *rights = actor_rights_new(true);
    place->actor = actor_new("ada", NULL, false, rights);
    actor_rights_unref(rights);
}

static void place_done(struct place *place) {
    traffic_unwatch(&place->watcher);
    traffic_free(place->traffic);
    actor_unref(place->actor);
    loop_free(place->loop);
}

static struct call *begin(struct place *place, const char *node, const char *method) {
    struct call *call = call_new(place->loop, method, &half);

    call->actor = actor_ref(place->actor);
    traffic_begin(place->traffic, call, node);
    return call;
}

static void make(struct place *place,
                 const char *node,
                 const char *method,
                 enum grpc_status status) {
    struct call *call = begin(place, node, method);

    call_request_write(call, slice_of_text("12345"));
    call_reply_write(call, slice_of_text("1234567"));
    call_finish(call, status, NULL, NULL);
    call_detach_caller(call);
}

static uint64_t total(const struct store_traffic *rows, size_t count) {
    uint64_t calls = 0;

    for (size_t i = 0; i < count; i++)
        calls += rows[i].calls;
    return calls;
}

static void calls_of_one_kind_are_one_row(void) {
    struct place place;
    size_t count;

    place_init(&place);
    for (int i = 0; i < 1000; i++)
        make(&place, "pi", "/a.B/C", i < 10 ? GRPC_INTERNAL : GRPC_OK);
    auto_(mem_freep) struct store_traffic *rows = traffic_rows(place.traffic, &count);
    CHECK_INT(count, 1);
    CHECK_TEXT(rows[0].node, "pi");
    CHECK_TEXT(rows[0].caller, "ada");
    CHECK_TEXT(rows[0].method, "/a.B/C");
    CHECK_INT(rows[0].calls, 1000);
    CHECK_INT(rows[0].errors, 10);
    CHECK_INT(rows[0].request_bytes, 5000);
    CHECK_INT(rows[0].reply_bytes, 7000);
    CHECK_INT(rows[0].time_ms % 60000, 0);
    CHECK(rows[0].longest_us <= rows[0].duration_us);
    place_done(&place);
}

static void a_call_counts_when_it_ends_and_once(void) {
    struct place place;
    size_t count;

    place_init(&place);
    struct call *call = begin(&place, "pi", "/a.B/C");
    CHECK_INT(traffic_running(place.traffic), 1);
    free(traffic_rows(place.traffic, &count));
    CHECK_INT(count, 0);
    call_detach_caller(call_ref(call)); /* cancels */
    CHECK_INT(traffic_running(place.traffic), 0);
    call_finish(call, GRPC_OK, NULL, NULL);
    call_unref(call);
    auto_(mem_freep) struct store_traffic *rows = traffic_rows(place.traffic, &count);
    CHECK_INT(count, 1);
    CHECK_INT(rows[0].calls, 1);
    CHECK_INT(rows[0].errors, 0);
    place_done(&place);
}

static void made_up_methods_end_in_other_of_their_caller(void) {
    struct place place;
    char method[32];
    size_t count, others = 0;

    place_init(&place);
    for (int i = 0; i < 10000; i++) {
        snprintf(method, sizeof(method), "/a.B/C%d", i);
        make(&place, "pi", method, GRPC_OK);
    }
    auto_(mem_freep) struct store_traffic *rows = traffic_rows(place.traffic, &count);
    CHECK(count <= 4096);
    CHECK_INT(total(rows, count), 10000);
    for (size_t i = 0; i < count; i++) {
        others += strcmp(rows[i].method, "other") == 0;
        CHECK_TEXT(rows[i].node, "pi");
    }
    CHECK_INT(others, 1);
    place_done(&place);
}

static void made_up_nodes_end_in_other_of_nobody(void) {
    struct place place;
    char node[32];
    size_t count, others = 0;

    place_init(&place);
    for (int i = 0; i < 10000; i++) {
        snprintf(node, sizeof(node), "n%d", i);
        make(&place, node, "/a.B/C", GRPC_OK);
    }
    auto_(mem_freep) struct store_traffic *rows = traffic_rows(place.traffic, &count);
    CHECK_INT(count, 4096);
    CHECK_INT(total(rows, count), 10000);
    for (size_t i = 0; i < count; i++)
        others += rows[i].node[0] == '\0';
    CHECK_INT(others, 1);
    place_done(&place);
}

static void long_names_are_cut_and_counted(void) {
    struct place place;
    char method[5000];
    size_t count;

    place_init(&place);
    memset(method, 'x', sizeof(method));
    method[sizeof(method) - 1] = '\0';
    make(&place, "pi", method, GRPC_OK);
    make(&place, "pi", method, GRPC_OK);
    auto_(mem_freep) struct store_traffic *rows = traffic_rows(place.traffic, &count);
    CHECK_INT(count, 1);
    CHECK_INT(rows[0].calls, 2);
    CHECK_INT(strlen(rows[0].method), 200);
    place_done(&place);
}

static void note(struct place *place, const char *what, const struct traffic_call *call) {
    size_t len = strlen(place->seen);

    snprintf(place->seen + len, sizeof(place->seen) - len, "%s %s %s %s %d;", what,
             call->caller, call->node, call->method, (int)call->status);
}

static void on_begun(struct traffic_watcher *watcher, const struct traffic_call *call) {
    note(container_of(watcher, struct place, watcher), "begun", call);
}

static void on_ended(struct traffic_watcher *watcher, const struct traffic_call *call) {
    note(container_of(watcher, struct place, watcher), "ended", call);
    CHECK_INT(call->request_bytes, 5);
    CHECK_INT(call->reply_bytes, 7);
}

static void who_watches_is_told_of_begin_and_end(void) {
    struct place place;

    place_init(&place);
    place.watcher =
        (struct traffic_watcher) { .on_begun = on_begun, .on_ended = on_ended };
    traffic_watch(place.traffic, &place.watcher);
    make(&place, "pi", "/a.B/C", GRPC_NOT_FOUND);
    traffic_unwatch(&place.watcher);
    make(&place, "pi", "/a.B/C", GRPC_OK);
    CHECK_TEXT(place.seen, "begun ada pi /a.B/C 0;ended ada pi /a.B/C 5;");
    place_done(&place);
}

static void a_call_that_is_led_to_another_node_counts_there(void) {
    struct place place;
    size_t count;

    place_init(&place);
    struct call *call = begin(&place, "pi", "/a.B/C");
    traffic_begin(place.traffic, call, "pi");
    traffic_begin(place.traffic, call, "db");
    CHECK_INT(traffic_running(place.traffic), 1);
    call_detach_caller(call);
    CHECK_INT(traffic_running(place.traffic), 0);
    auto_(mem_freep) struct store_traffic *rows = traffic_rows(place.traffic, &count);
    CHECK_INT(count, 1);
    CHECK_TEXT(rows[0].node, "db");
    place_done(&place);
}

static void a_tunnel_goes_by_its_target(void) {
    struct place place;
    size_t count;

    place_init(&place);
    struct call *call = call_new_tunnel(place.loop, "127.0.0.1:22", &half);
    traffic_begin(place.traffic, call, "pi");
    call_finish(call, GRPC_OK, NULL, NULL);
    call_detach_caller(call);
    auto_(mem_freep) struct store_traffic *rows = traffic_rows(place.traffic, &count);
    CHECK_INT(count, 1);
    CHECK_TEXT(rows[0].method, "CONNECT 127.0.0.1:22");
    CHECK_TEXT(rows[0].caller, "");
    place_done(&place);
}

TESTS(TEST(calls_of_one_kind_are_one_row),
      TEST(a_call_counts_when_it_ends_and_once),
      TEST(made_up_methods_end_in_other_of_their_caller),
      TEST(made_up_nodes_end_in_other_of_nobody),
      TEST(long_names_are_cut_and_counted),
      TEST(who_watches_is_told_of_begin_and_end),
      TEST(a_call_that_is_led_to_another_node_counts_there),
      TEST(a_tunnel_goes_by_its_target))
