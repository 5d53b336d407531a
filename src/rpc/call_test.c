#include "rpc/call.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "rpc/target.h"

enum { WORLDS = 4000, STEPS = 24 };

/* A call with two halves that only look. */
struct world {
    struct loop *loop;
    struct call *call; /* a reference of the test */
    bool has_caller;
    bool has_callee;
    unsigned caller_wakes;
    unsigned callee_wakes;
    struct target target;
    uint32_t random;
};

static void on_caller(struct call *call, void *user) {
    struct world *world = user;
    CHECK(world->has_caller);
    world->caller_wakes++;
}

static void on_callee(struct call *call, void *user) {
    struct world *world = user;
    CHECK(world->has_callee);
    world->callee_wakes++;
}

static void start(struct target *target, struct call *call) {
    struct world *world = container_of(target, struct world, target);
    struct call_half callee = { .on_wake = on_callee, .user = world };
    call_attach_callee(call, &callee);
    world->has_callee = true;
}

static void open_world(struct world *world) {
    struct call_half caller = { .on_wake = on_caller, .user = world };

    world->call = call_new(world->loop, "/a.B/C", &caller);
    world->has_caller = true;
    world->has_callee = false;
    world->caller_wakes = 0;
    world->callee_wakes = 0;
    world->target.start = start;
    call_ref(world->call);
    call_start(world->call, &world->target);
}

static void detach_caller(struct world *world) {
    if (world->has_caller)
        call_detach_caller(world->call);
    world->has_caller = false;
}

static void detach_callee(struct world *world) {
    if (world->has_callee)
        call_detach_callee(world->call);
    world->has_callee = false;
}

static void close_world(struct world *world) {
    detach_caller(world);
    detach_callee(world);
    loop_run(world->loop);
    CHECK(world->call->finished);
    CHECK_INT(world->call->refs, 1);
    call_unref(world->call);
}

static void move_request(struct world *world) {
    struct pipe from;
    pipe_init(&from);
    pipe_add(&from, slice_of_text("some bytes"));
    uint64_t before = world->call->request_total;
    size_t moved = call_request_move(world->call, &from, SIZE_MAX);
    CHECK_INT(moved, 10); /* also when nobody will read them: they are credited */
    CHECK_INT(from.len, 0);
    CHECK_INT(world->call->request_total - before, 10);
    pipe_done(&from);
}

static void move_reply(struct world *world) {
    struct pipe from;
    pipe_init(&from);
    pipe_add(&from, slice_of_text("some bytes"));
    size_t moved = call_reply_move(world->call, &from, 4);
    CHECK_INT(moved, world->call->finished ? 0 : 4);
    CHECK_INT(from.len, 10 - moved);
    pipe_done(&from);
}

static void take(struct pipe *pipe) {
    pipe_drop(pipe, pipe->len < 7 ? pipe->len : 7);
}

static void act_caller(struct world *world, unsigned what) {
    struct call *call = world->call;

    switch (what) {
    case 0:
        call_request_write(call, slice_of_text("request"));
        break;
    case 1:
        move_request(world);
        break;
    case 2:
        call_request_end(call);
        break;
    case 3:
        take(&call->reply);
        call_reply_taken(call);
        break;
    case 4:
        call_cancel(call);
        CHECK(call->finished);
        break;
    case 5:
        detach_caller(world);
        CHECK(call->finished);
        break;
    }
}

static void act_callee(struct world *world, unsigned what) {
    struct call *call = world->call;
    struct headers head;

    switch (what) {
    case 0:
        headers_init(&head);
        headers_add(&head, "a", "b");
        call_reply_head(call, &head);
        headers_done(&head);
        CHECK(call->reply_head.count <= 1);
        break;
    case 1:
        call_reply_write(call, slice_of_text("reply"));
        break;
    case 2:
        move_reply(world);
        break;
    case 3:
        take(&call->request);
        call_request_taken(call);
        break;
    case 4:
        call_fail(call, GRPC_ABORTED, "step %d", 4);
        CHECK(call->finished);
        break;
    case 5:
        detach_callee(world);
        CHECK(call->finished);
        break;
    }
}

static unsigned pick(struct world *world, unsigned below) {
    world->random = world->random * 1664525 + 1013904223;
    return (world->random >> 16) % below;
}

static void act(struct world *world) {
    switch (pick(world, 8)) {
    case 0:
        loop_run(world->loop);
        break;
    case 1:
        if (!world->call->finished && pick(world, 4) == 0)
            call_set_deadline(world->call, 0);
        break;
    case 2:
    case 3:
    case 4:
        if (world->has_caller)
            act_caller(world, pick(world, 6));
        break;
    default:
        if (world->has_callee)
            act_callee(world, pick(world, 6));
    }
}

static void check_world(const struct world *world, bool was_finished, int status) {
    const struct call *call = world->call;

    CHECK(call->request.len <= call->request_total);
    CHECK(call->reply.len <= call->reply_total);
    if (call->finished) {
        CHECK_INT(call->request.len, 0); /* all credit is given back */
        CHECK(call->message != NULL);
        CHECK(!timer_is_running(&call->deadline));
    }
    if (was_finished)
        CHECK_INT(call->status, status); /* the first end counts */
    CHECK_INT(call->refs, 1 + world->has_caller + world->has_callee);
}

static void any_order_of_steps_ends_clean(void) {
    struct world world = { .loop = loop_new(), .random = 1 };

    for (int i = 0; i < WORLDS; i++) {
        open_world(&world);
        for (int k = 0; k < STEPS; k++) {
            bool was_finished = world.call->finished;
            int status = (int)world.call->status;
            act(&world);
            check_world(&world, was_finished, status);
        }
        close_world(&world);
    }
    loop_free(world.loop);
}

static void each_change_wakes_the_other_side_once_a_turn(void) {
    struct world world = { .loop = loop_new() };

    open_world(&world);
    call_request_write(world.call, slice_of_text("a"));
    call_request_write(world.call, slice_of_text("b"));
    call_request_end(world.call);
    CHECK_INT(world.callee_wakes, 0); /* never from inside */
    loop_run(world.loop);
    CHECK_INT(world.callee_wakes, 1);
    CHECK_INT(world.caller_wakes, 0);

    call_reply_write(world.call, slice_of_text("c"));
    call_finish(world.call, GRPC_OK, NULL, NULL);
    loop_run(world.loop);
    CHECK_INT(world.caller_wakes, 1);
    CHECK_INT(world.callee_wakes, 2); /* the end is told to both */
    CHECK_TEXT(world.call->message, "");
    close_world(&world);
    loop_free(world.loop);
}

static void nobody_is_woken_after_it_has_detached(void) {
    struct world world = { .loop = loop_new() };

    open_world(&world);
    call_request_write(world.call, slice_of_text("a"));
    call_reply_write(world.call, slice_of_text("b"));
    detach_callee(&world);
    detach_caller(&world);
    loop_run(world.loop);
    CHECK_INT(world.caller_wakes + world.callee_wakes, 0);
    CHECK_INT(world.call->status, GRPC_INTERNAL);
    close_world(&world);
    loop_free(world.loop);
}

static void a_deadline_ends_the_call_and_drops_what_waits(void) {
    struct world world = { .loop = loop_new() };

    open_world(&world);
    CHECK(call_time_left_ms(world.call) == UINT64_MAX);
    call_reply_write(world.call, slice_of_text("late"));
    call_set_deadline(world.call, 5);
    CHECK(call_time_left_ms(world.call) <= 5);
    loop_run(world.loop);
    CHECK_INT(world.call->status, GRPC_DEADLINE_EXCEEDED);
    CHECK(world.call->cancelled);
    CHECK_INT(world.call->reply.len, 0);
    CHECK(world.callee_wakes > 0 && world.caller_wakes > 0);
    close_world(&world);
    loop_free(world.loop);
}

static void an_end_in_time_keeps_the_reply_and_stops_the_deadline(void) {
    struct world world = { .loop = loop_new() };

    open_world(&world);
    call_set_deadline(world.call, 60000);
    call_reply_write(world.call, slice_of_text("in time"));
    call_finish(world.call, GRPC_OK, "", NULL);
    call_cancel(world.call); /* comes too late */
    loop_run(world.loop);
    CHECK_INT(world.call->status, GRPC_OK);
    CHECK(!world.call->cancelled);
    CHECK_INT(world.call->reply.len, 7);
    close_world(&world);
    loop_free(world.loop);
}

static void start_nobody(struct target *target, struct call *call) {
}

static void a_call_that_nobody_takes_fails(void) {
    struct world world = { .loop = loop_new() };
    struct call_half caller = { .on_wake = on_caller, .user = &world };
    struct target nobody = { .start = start_nobody };

    world.has_caller = true;
    world.call = call_new(world.loop, "/a.B/C", &caller);
    call_start(world.call, &nobody);
    CHECK_INT(world.call->status, GRPC_INTERNAL);
    loop_run(world.loop);
    CHECK_INT(world.caller_wakes, 1);
    call_detach_caller(world.call);
    loop_free(world.loop);
}

static void an_ended_call_is_not_started(void) {
    struct world world = { .loop = loop_new() };
    struct call_half caller = { .on_wake = on_caller, .user = &world };

    world.target.start = start;
    world.has_caller = true;
    world.call = call_new(world.loop, "/a.B/C", &caller);
    call_fail(world.call, GRPC_UNAUTHENTICATED, "who are you");
    call_start(world.call, &world.target);
    CHECK(!world.has_callee);
    call_detach_caller(world.call);
    loop_free(world.loop);
}

static void the_service_is_found_in_the_method(void) {
    static const struct row {
        const char *method;
        const char *service;
    } rows[] = {
        { "/a.B/C", "a.B" }, { "a.B/C", "a.B" }, { "/a.B/", NULL },
        { "//C", NULL },     { "/a.B", NULL },   { "", NULL },
        { "/", NULL },       { "/a/b/c", "a" },  { "/twelve.chars/x", NULL },
    };
    struct loop *loop = loop_new();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct call_half caller = { 0 };
        struct call *call = call_new(loop, rows[i].method, &caller);
        char service[12] = "untouched";

        bool found = call_service_name(call, service, sizeof(service));
        CHECK_INT(found, rows[i].service != NULL);
        CHECK_TEXT(service, rows[i].service ? rows[i].service : "untouched");
        call_detach_caller(call);
    }
    loop_free(loop);
}

TESTS(TEST(any_order_of_steps_ends_clean),
      TEST(each_change_wakes_the_other_side_once_a_turn),
      TEST(nobody_is_woken_after_it_has_detached),
      TEST(a_deadline_ends_the_call_and_drops_what_waits),
      TEST(an_end_in_time_keeps_the_reply_and_stops_the_deadline),
      TEST(a_call_that_nobody_takes_fails),
      TEST(an_ended_call_is_not_started),
      TEST(the_service_is_found_in_the_method))
