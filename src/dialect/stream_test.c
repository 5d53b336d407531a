#include "dialect/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "rpc/call.h"
#include "rpc/client.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "rpc/target.h"
#include "wire/pb.h"

enum { HEARD_MAX = 32 };

/* A hub with one service, and an agent that is its client. */
struct rig {
    struct loop *loop;
    struct services *services;
    struct stream *stream; /* NULL when it is over */
    struct invocation *invocation;
    struct client_call *agent;
    ProtobufCMessage *heard[HEARD_MAX]; /* by the agent */
    size_t count;
    unsigned hellos;
    unsigned samples;
    unsigned goodbyes;
    unsigned lives;
    const char *fault; /* what the owner answers */
    enum grpc_status status;
    char *text;
    int reason;
};

static const char *on_hello(void *owner, const Roost__V1__ConnectRequest__Hello *hello) {
    struct rig *rig = owner;
    rig->hellos++;
    return rig->fault;
}

static const char *on_samples(void *owner, const Roost__V1__ConnectRequest *request) {
    struct rig *rig = owner;
    rig->samples++;
    return rig->fault;
}

static void on_goodbye(void *owner) {
    struct rig *rig = owner;
    rig->goodbyes++;
}

static void on_alive(void *owner) {
    struct rig *rig = owner;
    rig->lives++;
}

static const struct stream_events events = {
    .on_hello = on_hello,
    .on_samples = on_samples,
    .on_goodbye = on_goodbye,
    .on_alive = on_alive,
};

static void on_gone(struct invocation *invocation, void *user) {
    struct rig *rig = user;
    rig->reason = stream_reason(rig->stream);
    rig->stream = stream_free(rig->stream, "the connection was lost");
}

static void on_drained(struct invocation *invocation, void *user) {
    struct rig *rig = user;
    stream_drained(rig->stream);
}

static void on_connect(void *arg,
                       struct invocation *invocation,
                       const ProtobufCMessage *message) {
    struct rig *rig = arg;
    struct stream_config config = {
        .loop = rig->loop,
        .invocation = invocation,
        .events = &events,
        .owner = rig,
        .calls_max = 10,
        .message_max = 100000,
        .header_bytes_max = 4096,
    };

    if (!rig->stream) {
        rig->stream = stream_new(&config);
        invocation_set_user(invocation, rig, on_gone);
        invocation_on_drained(invocation, on_drained);
    }
    stream_take(rig->stream, (const Roost__V1__ConnectRequest *)message);
}

static void on_message(void *user, struct slice message) {
    struct rig *rig = user;
    CHECK(rig->count < HEARD_MAX);
    CHECK(pb_unpack(&roost__v1__connect_response__descriptor, message,
                    &rig->heard[rig->count++]) == 0);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct rig *rig = user;
    rig->agent = NULL;
    rig->status = status;
    rig->text = mem_strdup(message);
}

static void say(struct rig *rig, Roost__V1__ConnectRequest *request, int kind) {
    request->kind_case = (Roost__V1__ConnectRequest__KindCase)kind;
    client_send(rig->agent, &request->base);
    loop_settle(rig->loop);
}

static void say_hello(struct rig *rig) {
    Roost__V1__ConnectRequest request = ROOST__V1__CONNECT_REQUEST__INIT;
    Roost__V1__ConnectRequest__Hello hello = ROOST__V1__CONNECT_REQUEST__HELLO__INIT;

    request.hello = &hello;
    say(rig, &request, ROOST__V1__CONNECT_REQUEST__KIND_HELLO);
}

static void open(struct rig *rig) {
    static const struct service_method methods[] = {
        { "Connect", SERVICE_BIDI, on_connect },
        { 0 },
    };
    static const struct client_events client = {
        .on_message = on_message,
        .on_done = on_done,
    };
    struct client_request request = { .method = "/roost.v1.Gateway/Connect" };

    *rig = (struct rig) { .loop = loop_new(), .services = services_new(1 << 20) };
    struct service service = {
        .descriptor = &roost__v1__gateway__descriptor,
        .methods = methods,
        .arg = rig,
    };
    services_add(rig->services, &service);
    rig->agent =
        client_start(rig->loop, services_target(rig->services), &request, &client, rig);
    say_hello(rig);
}

static void shut(struct rig *rig) {
    client_cancel(rig->agent);
    loop_settle(rig->loop);
    CHECK(!rig->stream);
    services_free(rig->services);
    while (rig->count > 0)
        pb_free(rig->heard[--rig->count]);
    free(rig->text);
    loop_free(rig->loop);
}

static const Roost__V1__ConnectResponse *last(const struct rig *rig) {
    CHECK(rig->count > 0);
    return (const Roost__V1__ConnectResponse *)rig->heard[rig->count - 1];
}

static void on_caller(struct call *call, void *user) {
}

static struct call *call_agent(struct rig *rig) {
    struct call_half caller = { .on_wake = on_caller };
    struct call *call = call_new(rig->loop, "/example.Greeter/Greet", &caller);

    call_start(call, stream_target(rig->stream));
    loop_settle(rig->loop);
    return call;
}

static void what_is_its_owners_reaches_it(void) {
    Roost__V1__ConnectRequest request = ROOST__V1__CONNECT_REQUEST__INIT;
    Roost__V1__ConnectRequest__Rows rows = ROOST__V1__CONNECT_REQUEST__ROWS__INIT;
    struct rig rig;

    open(&rig);
    CHECK_INT(rig.hellos, 1);
    request.rows = &rows;
    say(&rig, &request, ROOST__V1__CONNECT_REQUEST__KIND_ROWS);
    CHECK_INT(rig.samples, 1);
    rig.fault = "its rows are damaged";
    say(&rig, &request, ROOST__V1__CONNECT_REQUEST__KIND_ROWS);
    CHECK_INT(rig.status, GRPC_INVALID_ARGUMENT);
    CHECK_TEXT(rig.text, "its rows are damaged");
    CHECK_INT(rig.reason, -EPROTO);
    shut(&rig);
}

static void a_ping_is_answered_and_a_probe_hears_anything(void) {
    Roost__V1__ConnectRequest request = ROOST__V1__CONNECT_REQUEST__INIT;
    struct rig rig;

    open(&rig);
    request.ping = 42;
    say(&rig, &request, ROOST__V1__CONNECT_REQUEST__KIND_PING);
    CHECK_INT(last(&rig)->kind_case, ROOST__V1__CONNECT_RESPONSE__KIND_PONG);
    CHECK_INT(last(&rig)->pong, 42);
    CHECK_INT(rig.lives, 0);
    stream_probe(rig.stream);
    loop_settle(rig.loop);
    CHECK_INT(last(&rig)->kind_case, ROOST__V1__CONNECT_RESPONSE__KIND_PING);
    CHECK_INT(rig.lives, 0);
    request.pong = last(&rig)->ping;
    say(&rig, &request, ROOST__V1__CONNECT_REQUEST__KIND_PONG);
    CHECK_INT(rig.lives, 1);
    shut(&rig);
}

static void a_call_reaches_the_agent_until_either_side_leaves(void) {
    Roost__V1__ConnectRequest request = ROOST__V1__CONNECT_REQUEST__INIT;
    Roost__V1__Goodbye goodbye = ROOST__V1__GOODBYE__INIT;
    struct rig rig;

    open(&rig);
    struct call *call = call_agent(&rig);
    CHECK_INT(last(&rig)->kind_case, ROOST__V1__CONNECT_RESPONSE__KIND_CALL_START);
    CHECK_TEXT(last(&rig)->call_start->method, "/example.Greeter/Greet");
    stream_leave(rig.stream);
    loop_settle(rig.loop);
    CHECK_INT(last(&rig)->kind_case, ROOST__V1__CONNECT_RESPONSE__KIND_GOODBYE);
    struct call *late = call_agent(&rig);
    CHECK(late->finished && late->status == GRPC_UNAVAILABLE);
    CHECK(!call->finished);
    request.goodbye = &goodbye;
    say(&rig, &request, ROOST__V1__CONNECT_REQUEST__KIND_GOODBYE);
    CHECK_INT(rig.goodbyes, 1);
    client_end(rig.agent);
    loop_settle(rig.loop);
    CHECK_INT(rig.status, GRPC_OK);
    CHECK_INT(rig.reason, 0);
    CHECK(call->finished && call->status == GRPC_UNAVAILABLE);
    call_detach_caller(call);
    call_detach_caller(late);
    shut(&rig);
}

static void an_agent_that_is_lost_takes_its_calls_along(void) {
    struct rig rig;

    open(&rig);
    struct call *call = call_agent(&rig);
    rig.agent = client_cancel(rig.agent);
    loop_settle(rig.loop);
    CHECK(!rig.stream);
    CHECK_INT(rig.reason, -ECONNRESET);
    CHECK(call->finished && call->status == GRPC_UNAVAILABLE);
    call_detach_caller(call);
    shut(&rig);
}

static void what_a_newer_agent_says_is_passed_over(void) {
    Roost__V1__ConnectRequest request = ROOST__V1__CONNECT_REQUEST__INIT;
    struct rig rig;

    open(&rig);
    say(&rig, &request, ROOST__V1__CONNECT_REQUEST__KIND__NOT_SET);
    CHECK(rig.stream != NULL);
    shut(&rig);
}

TESTS(TEST(what_is_its_owners_reaches_it),
      TEST(a_ping_is_answered_and_a_probe_hears_anything),
      TEST(a_call_reaches_the_agent_until_either_side_leaves),
      TEST(an_agent_that_is_lost_takes_its_calls_along),
      TEST(what_a_newer_agent_says_is_passed_over))
