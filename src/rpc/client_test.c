#include "rpc/client.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "grpc/health.pb-c.h"
#include "loop/loop.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/target.h"

typedef Grpc__Health__V1__HealthCheckRequest Request;
typedef Grpc__Health__V1__HealthCheckResponse Response;

/* The other side of a call, played by the test; and what the client was told. */
struct rig {
    struct loop *loop;
    struct target target;
    struct call *call; /* borrowed while attached */
    struct client_call *client;
    enum grpc_status status;
    char *message;
    unsigned heads;
    unsigned messages;
    size_t bytes;
    unsigned rooms;
    unsigned dones;
    bool cancel_in_head;
    bool cancel_in_message;
    bool cancel_in_done;
    bool pause_in_message;
};

static void on_callee(struct call *call, void *user) {
    struct rig *rig = user;
    if (call->finished) {
        rig->call = NULL;
        call_detach_callee(call);
    }
}

static void start(struct target *target, struct call *call) {
    struct rig *rig = container_of(target, struct rig, target);
    struct call_half callee = { .on_wake = on_callee, .user = rig };
    call_attach_callee(call, &callee);
    rig->call = call;
}

static void start_refusing(struct target *target, struct call *call) {
    call_finish(call, GRPC_PERMISSION_DENIED, "not you", NULL);
}

static void on_head(void *user, const struct headers *head) {
    struct rig *rig = user;
    rig->heads++;
    if (rig->cancel_in_head)
        rig->client = client_cancel(rig->client);
}

static void on_message(void *user, struct slice message) {
    struct rig *rig = user;
    rig->messages++;
    rig->bytes += message.len;
    if (rig->cancel_in_message)
        rig->client = client_cancel(rig->client);
    if (rig->pause_in_message)
        client_pause(rig->client, true);
}

static void on_room(void *user) {
    struct rig *rig = user;
    rig->rooms++;
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct rig *rig = user;
    rig->dones++;
    rig->status = status;
    free(rig->message);
    rig->message = mem_strdup(message);
    if (rig->cancel_in_done)
        client_cancel(rig->client);
    rig->client = NULL;
}

static const struct client_events events = {
    .on_head = on_head,
    .on_message = on_message,
    .on_room = on_room,
    .on_done = on_done,
};

static const struct client_request call_of_test = { .method = "/a.B/C",
                                                    .message_max = 100000 };

static void open_rig(struct rig *rig) {
    *rig = (struct rig) { .loop = loop_new(), .target.start = start };
    rig->client = client_start(rig->loop, &rig->target, &call_of_test, &events, rig);
}

static void close_rig(struct rig *rig) {
    rig->client = client_cancel(rig->client);
    loop_run(rig->loop);
    CHECK(!rig->call); /* the other side has let go too */
    free(rig->message);
    loop_free(rig->loop);
}

static void reply(struct rig *rig, size_t len) {
    struct buf framed = { 0 };
    uint8_t *body = mem_new(len ? len : 1);
    grpc_message_add(&framed, slice_of(body, len), GRPC_IDENTITY);
    call_reply_write(rig->call, buf_slice(&framed));
    buf_done(&framed);
    free(body);
}

static void messages_come_in_order_and_then_the_end(void) {
    struct rig rig;
    struct headers head = { 0 };

    open_rig(&rig);
    CHECK_TEXT(headers_get(&rig.call->metadata, "grpc-accept-encoding"), "identity,gzip");
    headers_add(&head, "x", "y");
    call_reply_head(rig.call, &head);
    headers_done(&head);
    reply(&rig, 3);
    reply(&rig, 0);
    CHECK_INT(rig.messages, 0);
    loop_run(rig.loop);
    CHECK_INT(rig.heads, 1);
    CHECK_INT(rig.messages, 2);
    reply(&rig, 4);
    call_finish(rig.call, GRPC_OK, "fine", NULL);
    loop_run(rig.loop);
    CHECK_INT(rig.bytes, 7);
    CHECK_INT(rig.dones, 1);
    CHECK_TEXT(rig.message, "fine");
    close_rig(&rig);
    CHECK_INT(rig.dones, 1);
}

static void a_refusal_comes_later_and_once(void) {
    struct rig rig = { .loop = loop_new(), .target.start = start_refusing };

    rig.client = client_start(rig.loop, &rig.target, &call_of_test, &events, &rig);
    CHECK_INT(rig.dones, 0);
    client_send_bytes(rig.client, slice_of_text("nobody reads it"));
    client_end(rig.client);
    loop_run(rig.loop);
    CHECK_INT(rig.dones, 1);
    CHECK_INT(rig.status, GRPC_PERMISSION_DENIED);
    CHECK_INT(rig.rooms, 0);
    close_rig(&rig);
}

static void after_a_cancellation_nothing_is_told(void) {
    struct rig rig;

    open_rig(&rig);
    reply(&rig, 3);
    call_finish(rig.call, GRPC_OK, NULL, NULL);
    rig.client = client_cancel(rig.client);
    loop_run(rig.loop);
    CHECK_INT(rig.messages + rig.dones + rig.heads, 0);
    close_rig(&rig);
}

static void each_callback_may_cancel(void) {
    for (int where = 0; where < 3; where++) {
        struct rig rig;
        struct headers head = { 0 };

        open_rig(&rig);
        rig.cancel_in_head = where == 0;
        rig.cancel_in_message = where == 1;
        rig.cancel_in_done = where == 2;
        headers_add(&head, "x", "y");
        call_reply_head(rig.call, &head);
        headers_done(&head);
        reply(&rig, 3);
        reply(&rig, 3);
        call_finish(rig.call, GRPC_OK, NULL, NULL);
        loop_run(rig.loop);
        CHECK_INT(rig.heads, 1);
        CHECK_INT(rig.messages, where);
        CHECK_INT(rig.dones, where == 2);
        close_rig(&rig);
    }
}

static void a_pause_holds_messages_and_the_end_back(void) {
    struct rig rig;

    open_rig(&rig);
    rig.pause_in_message = true;
    for (int i = 0; i < 3; i++)
        reply(&rig, 10);
    call_finish(rig.call, GRPC_OK, NULL, NULL);
    for (unsigned i = 1; i <= 3; i++) {
        loop_run(rig.loop);
        CHECK_INT(rig.messages, i);
        CHECK_INT(rig.dones, 0);
        client_pause(rig.client, false);
        CHECK_INT(rig.messages, i); /* never from inside */
    }
    loop_run(rig.loop);
    CHECK_INT(rig.dones, 1);
    close_rig(&rig);
}

static void a_reply_larger_than_a_window_is_taken(void) {
    struct rig rig;
    struct buf framed = { 0 };
    uint8_t *body = mem_new(100000);

    open_rig(&rig);
    grpc_message_add(&framed, slice_of(body, 100000), GRPC_IDENTITY);
    for (size_t at = 0; at < framed.len; at += 5000) {
        size_t len = framed.len - at < 5000 ? framed.len - at : 5000;
        call_reply_write(rig.call, slice_of(framed.data + at, len));
        loop_run(rig.loop);
        CHECK_INT(rig.call->reply.len, 0);
    }
    CHECK_INT(rig.messages, 1);
    CHECK_INT(rig.bytes, 100000);
    buf_done(&framed);
    free(body);
    close_rig(&rig);
}

static const struct fault {
    const char *bytes;
    size_t len;
    enum grpc_status status;
} faults[] = {
    { "\0\0\1\x86\xa1", 5, GRPC_RESOURCE_EXHAUSTED },
    { "\3\0\0\0\0", 5, GRPC_INTERNAL },
    { "\1\0\0\0\1a", 6, GRPC_INTERNAL },
    { "\0\0\0\0\2a", 6, GRPC_INTERNAL },
    { "\0\0", 2, GRPC_INTERNAL },
};

static void faulty_replies_end_the_call(void) {
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct rig rig;

        open_rig(&rig);
        call_reply_write(rig.call, slice_of(faults[i].bytes, faults[i].len));
        loop_run(rig.loop);
        if (rig.call)
            call_finish(rig.call, GRPC_OK, NULL, NULL);
        loop_run(rig.loop);
        CHECK_INT(rig.dones, 1);
        CHECK_INT(rig.status, faults[i].status);
        CHECK_INT(rig.messages, 0);
        close_rig(&rig);
    }
}

/* A failure's own status counts, whatever came before it. */
static void a_failure_inside_a_message_is_told_as_it_is(void) {
    struct rig rig;

    open_rig(&rig);
    call_reply_write(rig.call, slice_of("\0\0\0\0\2a", 6));
    loop_run(rig.loop);
    call_finish(rig.call, GRPC_DATA_LOSS, "lost", NULL);
    loop_run(rig.loop);
    CHECK_INT(rig.status, GRPC_DATA_LOSS);
    close_rig(&rig);
}

static void room_is_told_when_all_was_taken(void) {
    struct rig rig;

    open_rig(&rig);
    loop_run(rig.loop);
    CHECK_INT(rig.rooms, 0);
    client_send_bytes(rig.client, slice_of_text("abc"));
    CHECK_INT(client_waiting(rig.client), 8);
    loop_run(rig.loop);
    CHECK_INT(rig.rooms, 0);
    pipe_drop(&rig.call->request, 8);
    call_request_taken(rig.call);
    loop_run(rig.loop);
    CHECK_INT(rig.rooms, 1);
    close_rig(&rig);
}

static void a_timeout_ends_the_call(void) {
    struct rig rig = { .loop = loop_new(), .target.start = start };
    struct client_request request = call_of_test;

    request.timeout_ms = 2;
    rig.client = client_start(rig.loop, &rig.target, &request, &events, &rig);
    loop_run(rig.loop);
    CHECK_INT(rig.dones, 1);
    CHECK_INT(rig.status, GRPC_DEADLINE_EXCEEDED);
    close_rig(&rig);
}

static void the_call_carries_what_the_request_says(void) {
    struct rig rig = { .loop = loop_new(), .target.start = start };
    struct client_request request = call_of_test;
    struct headers metadata = { 0 };
    struct actor_rights *rights = actor_rights_new(false);
    struct actor *actor = actor_new("ada", NULL, true, rights);

    headers_add(&metadata, "k", "1");
    headers_add(&metadata, "b-bin", "AAEC");
    headers_add(&metadata, "k", "2");
    request.metadata = &metadata;
    request.actor = actor;
    request.peer = "192.0.2.1:1";
    request.authority = "hub:8000";
    rig.client = client_start(rig.loop, &rig.target, &request, &events, &rig);
    headers_done(&metadata);
    CHECK(client_actor(rig.client) == actor);
    actor_unref(actor);
    actor_rights_unref(rights);
    CHECK_TEXT(rig.call->peer, "192.0.2.1:1");
    CHECK_TEXT(rig.call->authority, "hub:8000");
    CHECK_TEXT(rig.call->metadata.fields[0].value, "1");
    CHECK_TEXT(rig.call->metadata.fields[1].value, "AAEC");
    CHECK_TEXT(rig.call->metadata.fields[2].value, "2");
    close_rig(&rig);
}

struct unary_end {
    unsigned count;
    enum grpc_status status;
    int reply;
};

static void on_reply(void *user,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    struct unary_end *end = user;
    end->count++;
    end->status = status;
    end->reply = reply ? (int)((const Response *)reply)->status : -1;
}

/* A unary call that is answered with these bytes and OK. */
static struct unary_end unary_with(const char *bytes, size_t len, bool cancel) {
    struct rig rig = { .loop = loop_new(), .target.start = start };
    struct unary_end end = { 0 };
    Request request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    rig.client = client_unary(rig.loop, &rig.target, &call_of_test, &request.base,
                              &grpc__health__v1__health_check_response__descriptor,
                              on_reply, &end);
    CHECK(rig.call->request_ended);
    CHECK_INT(rig.call->request.len, 5);
    call_reply_write(rig.call, slice_of(bytes, len));
    call_finish(rig.call, GRPC_OK, NULL, NULL);
    if (cancel)
        client_cancel(rig.client);
    rig.client = NULL;
    close_rig(&rig);
    return end;
}

static void a_unary_call_has_exactly_one_reply(void) {
    struct unary_end end = unary_with("\0\0\0\0\2\x08\1", 7, false);
    CHECK_INT(end.status, GRPC_OK);
    CHECK_INT(end.reply, 1);
    CHECK_INT(end.count, 1);

    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        { "", 0 },
        { "\0\0\0\0\0\0\0\0\0\0", 10 },
        { "\0\0\0\0\2\x08", 6 },
        { "\0\0\0\0\1\x08", 6 },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        end = unary_with(bad[i].bytes, bad[i].len, false);
        CHECK_INT(end.status, GRPC_INTERNAL);
        CHECK_INT(end.reply, -1);
        CHECK_INT(end.count, 1);
    }
    end = unary_with("\0\0\0\0\2\x08\1", 7, true);
    CHECK_INT(end.count, 0);
}

TESTS(TEST(messages_come_in_order_and_then_the_end),
      TEST(a_refusal_comes_later_and_once),
      TEST(after_a_cancellation_nothing_is_told),
      TEST(each_callback_may_cancel),
      TEST(a_pause_holds_messages_and_the_end_back),
      TEST(a_reply_larger_than_a_window_is_taken),
      TEST(faulty_replies_end_the_call),
      TEST(a_failure_inside_a_message_is_told_as_it_is),
      TEST(room_is_told_when_all_was_taken),
      TEST(a_timeout_ends_the_call),
      TEST(the_call_carries_what_the_request_says),
      TEST(a_unary_call_has_exactly_one_reply))
