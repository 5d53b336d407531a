#include "rpc/services.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "grpc/health.pb-c.h"
#include "loop/loop.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/target.h"
#include "wire/pb.h"

typedef Grpc__Health__V1__HealthCheckRequest Request;
typedef Grpc__Health__V1__HealthCheckResponse Response;

enum { MESSAGE_MAX = 100000 };

/* What the handlers of a test have seen. */
struct rig {
    struct loop *loop;
    struct services *services;
    struct service_method methods[3];
    struct invocation *waiting;
    unsigned handled;
    unsigned ended;
    unsigned gone;
    unsigned drained;
};

static void answer(struct invocation *invocation, int status) {
    Response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)status;
    invocation_reply(invocation, &response.base);
}

static void send(struct invocation *invocation, int status) {
    Response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)status;
    invocation_send(invocation, &response.base);
}

static void on_gone(struct invocation *invocation, void *user) {
    struct rig *rig = user;
    rig->gone++;
    rig->waiting = NULL;
}

/* Unary: the word decides. */
static void on_check(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    const Request *request = (const Request *)message;
    struct rig *rig = arg;

    rig->handled++;
    invocation_set_user(invocation, rig, on_gone);
    if (strcmp(request->service, "fail") == 0)
        invocation_finish(invocation, GRPC_NOT_FOUND, "no %s: 100%%", request->service);
    else if (strcmp(request->service, "wait") == 0)
        rig->waiting = invocation;
    else
        answer(invocation, (int)strlen(request->service) % 4);
}

/* Every other kind: each message is answered by one, and the end by the end. */
static void on_watch(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    const Request *request = (const Request *)message;
    struct rig *rig = arg;

    invocation_set_user(invocation, rig, on_gone);
    if (!message) {
        rig->ended++;
        invocation_finish(invocation, GRPC_OK, "%s", "");
        return;
    }
    rig->handled++;
    if (strcmp(request->service, "stop") == 0)
        invocation_finish(invocation, GRPC_ABORTED, "stopped");
    else if (strcmp(request->service, "wait") == 0)
        rig->waiting = invocation;
    else
        send(invocation, 1);
}

static void open_rig(struct rig *rig, enum service_kind kind) {
    *rig = (struct rig) {
        .loop = loop_new(),
        .services = services_new(MESSAGE_MAX),
        .methods = { { "Check", SERVICE_UNARY, on_check }, { "Watch", kind, on_watch } },
    };
    struct service service = {
        .descriptor = &grpc__health__v1__health__descriptor,
        .methods = rig->methods,
        .arg = rig,
    };
    services_add(rig->services, &service);
}

static void close_rig(struct rig *rig) {
    loop_run(rig->loop);
    services_free(rig->services);
    loop_free(rig->loop);
}

static void on_nothing(struct call *call, void *user) {
}

static struct call *begin(struct rig *rig, const char *method, const char *encoding) {
    struct call_half caller = { .on_wake = on_nothing };
    struct call *call = call_new(rig->loop, method, &caller);

    if (encoding)
        headers_add(&call->metadata, "grpc-encoding", encoding);
    headers_add(&call->metadata, "grpc-accept-encoding", "identity, gzip");
    call_start(call, services_target(rig->services));
    return call;
}

static void add_request(struct buf *out, const char *word, enum grpc_encoding encoding) {
    Request request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct buf packed = { 0 };

    request.service = pb_lend(word);
    pb_pack(&packed, &request.base);
    grpc_message_add(out, buf_slice(&packed), encoding);
    buf_done(&packed);
}

static void say(struct call *call, const char *word) {
    struct buf out = { 0 };
    add_request(&out, word, GRPC_IDENTITY);
    call_request_write(call, buf_slice(&out));
    buf_done(&out);
}

/* Takes the replies that are there: how many. */
static unsigned take_replies(struct call *call) {
    struct buf message = { 0 };
    unsigned count = 0;
    size_t taken = 0;

    while (grpc_message_take(&call->reply, GRPC_GZIP, MESSAGE_MAX, &message, &taken) == 0)
        count++;
    call_reply_taken(call);
    buf_done(&message);
    return count;
}

/* The call must have ended so. */
static void check_end(struct rig *rig,
                      struct call *call,
                      enum grpc_status status,
                      const char *text,
                      unsigned replies) {
    loop_run(rig->loop);
    CHECK(call->finished);
    CHECK_INT(call->status, status);
    if (!strstr(call->message, text))
        CHECK_TEXT(call->message, text);
    CHECK_INT(take_replies(call), replies);
    CHECK_INT(call->refs, 1);
    call_detach_caller(call);
}

static const char CHECK_METHOD[] = "/grpc.health.v1.Health/Check";
static const char WATCH_METHOD[] = "/grpc.health.v1.Health/Watch";

static void a_unary_call_is_answered(void) {
    struct rig rig;

    open_rig(&rig, SERVICE_BIDI);
    struct call *call = begin(&rig, CHECK_METHOD, NULL);
    say(call, "a");
    loop_run(rig.loop);
    CHECK_INT(rig.handled, 0); /* not before the caller has said all */
    call_request_end(call);
    loop_run(rig.loop);
    CHECK_TEXT(headers_get(&call->reply_head, "content-type"), "application/grpc");
    CHECK_TEXT(headers_get(&call->reply_head, "grpc-accept-encoding"), "identity,gzip");
    CHECK(!headers_get(&call->reply_head, "grpc-encoding"));
    check_end(&rig, call, GRPC_OK, "", 1);
    CHECK_INT(rig.handled, 1);
    CHECK_INT(rig.gone, 1);
    close_rig(&rig);
}

static void a_failure_says_why_and_sends_no_message(void) {
    struct rig rig;

    open_rig(&rig, SERVICE_BIDI);
    struct call *call = begin(&rig, CHECK_METHOD, NULL);
    say(call, "fail");
    call_request_end(call);
    check_end(&rig, call, GRPC_NOT_FOUND, "no fail: 100%", 0);
    CHECK_INT(rig.gone, 1);
    close_rig(&rig);
}

static void an_answer_may_come_later(void) {
    struct rig rig;

    open_rig(&rig, SERVICE_BIDI);
    struct call *call = begin(&rig, CHECK_METHOD, NULL);
    say(call, "wait");
    call_request_end(call);
    loop_run(rig.loop);
    CHECK(rig.waiting && !call->finished);
    answer(rig.waiting, 2);
    CHECK_INT(rig.gone, 0); /* told later, not from inside */
    check_end(&rig, call, GRPC_OK, "", 1);
    CHECK_INT(rig.gone, 1);
    close_rig(&rig);
}

static void a_request_larger_than_a_window_is_taken(void) {
    struct rig rig;
    struct buf out = { 0 };
    char *word = mem_new(MESSAGE_MAX - 100);
    size_t waiting_max = 0;

    memset(word, 'w', MESSAGE_MAX - 101);
    open_rig(&rig, SERVICE_BIDI);
    add_request(&out, word, GRPC_IDENTITY);
    struct call *call = begin(&rig, CHECK_METHOD, NULL);
    for (size_t at = 0; at < out.len; at += 10000) {
        size_t len = out.len - at < 10000 ? out.len - at : 10000;
        call_request_write(call, slice_of(out.data + at, len));
        loop_run(rig.loop);
        waiting_max = call->request.len > waiting_max ? call->request.len : waiting_max;
    }
    CHECK_INT(waiting_max, 0);
    call_request_end(call);
    check_end(&rig, call, GRPC_OK, "", 1);
    buf_done(&out);
    free(word);
    close_rig(&rig);
}

static const struct fault {
    const char *encoding;
    const char *bytes;
    size_t len;
    enum grpc_status status;
    const char *text;
} faults[] = {
    { NULL, "", 0, GRPC_UNIMPLEMENTED, "missing" },
    { NULL, "\0\0\0\0\0\0\0\0\0\0", 10, GRPC_UNIMPLEMENTED, "one request message" },
    { NULL, "\0\0\0\0\0\0", 6, GRPC_UNIMPLEMENTED, "one request message" },
    { NULL, "\0\0\0", 3, GRPC_INTERNAL, "ended inside a message" },
    { NULL, "\0\0\0\0\5abc", 8, GRPC_INTERNAL, "ended inside a message" },
    { NULL, "\2\0\0\0\0", 5, GRPC_INTERNAL, "malformed" },
    { NULL, "\1\0\0\0\1a", 6, GRPC_INTERNAL, "malformed" },
    { "gzip", "\1\0\0\0\3abc", 8, GRPC_INTERNAL, "malformed" },
    { NULL, "\0\0\1\x86\xa1", 5, GRPC_RESOURCE_EXHAUSTED, "over the limit of 100000" },
    { NULL, "\0\0\0\0\3abc", 8, GRPC_INTERNAL, "grpc.health.v1.HealthCheckRequest" },
    { NULL, "\0\0\0\0\3\x0a\x05h", 8, GRPC_INTERNAL, "not a message" },
    { "br", "\0\0\0\0\0", 5, GRPC_UNIMPLEMENTED, "encoding" },
};

static void faulty_requests_end_with_the_status_of_the_specification(void) {
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        for (size_t cut = 0; cut <= faults[i].len; cut++) {
            struct rig rig;

            open_rig(&rig, SERVICE_BIDI);
            struct call *call = begin(&rig, CHECK_METHOD, faults[i].encoding);
            call_request_write(call, slice_of(faults[i].bytes, cut));
            loop_run(rig.loop);
            call_request_write(call,
                               slice_of(faults[i].bytes + cut, faults[i].len - cut));
            call_request_end(call);
            check_end(&rig, call, faults[i].status, faults[i].text, 0);
            CHECK_INT(rig.handled, 0);
            close_rig(&rig);
        }
    }
}

static void an_unknown_encoding_is_told_which_are_known(void) {
    struct rig rig;

    open_rig(&rig, SERVICE_BIDI);
    struct call *call = begin(&rig, CHECK_METHOD, "zstd");
    CHECK_TEXT(headers_get(&call->trailers, "grpc-accept-encoding"), "identity,gzip");
    check_end(&rig, call, GRPC_UNIMPLEMENTED, "encoding", 0);
    close_rig(&rig);
}

static void what_came_packed_is_answered_packed(void) {
    struct rig rig;
    struct buf out = { 0 };
    char word[5000];

    memset(word, 'w', sizeof(word));
    word[sizeof(word) - 1] = '\0';
    open_rig(&rig, SERVICE_BIDI);
    struct call *call = begin(&rig, CHECK_METHOD, "gzip");
    add_request(&out, word, GRPC_GZIP);
    CHECK(out.len < 200);
    call_request_write(call, buf_slice(&out));
    call_request_end(call);
    loop_run(rig.loop);
    CHECK_TEXT(headers_get(&call->reply_head, "grpc-encoding"), "gzip");
    check_end(&rig, call, GRPC_OK, "", 1);
    buf_done(&out);
    close_rig(&rig);
}

static void what_unpacks_beyond_the_limit_is_refused(void) {
    struct rig rig;
    struct buf out = { 0 };
    char *word = mem_new(4000000);

    memset(word, 'w', 3999999);
    open_rig(&rig, SERVICE_BIDI);
    struct call *call = begin(&rig, CHECK_METHOD, "gzip");
    add_request(&out, word, GRPC_GZIP);
    CHECK(out.len < MESSAGE_MAX);
    call_request_write(call, buf_slice(&out));
    check_end(&rig, call, GRPC_RESOURCE_EXHAUSTED, "limit", 0);
    CHECK_INT(rig.handled, 0);
    buf_done(&out);
    free(word);
    close_rig(&rig);
}

static void unknown_methods_are_unimplemented(void) {
    static const char *const methods[] = {
        "",
        "/",
        "//",
        "Check",
        "/grpc.health.v1.Health",
        "/grpc.health.v1.Health/",
        "/grpc.health.v1.Health/check",
        "/grpc.health.v1.Health/Check/",
        "/grpc.health.v1.Healt/Check",
        "/grpc.health.v1.Health2/Check",
        "grpc.health.v1.Health/Check",
    };
    struct rig rig;

    open_rig(&rig, SERVICE_BIDI);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        enum service_kind kind;
        const ProtobufCMethodDescriptor *types;
        CHECK(!services_find(rig.services, methods[i], &kind, &types));
        check_end(&rig, begin(&rig, methods[i], NULL), GRPC_UNIMPLEMENTED, "unknown", 0);
    }
    close_rig(&rig);
}

static void a_server_stream_takes_one_request_and_sends_many(void) {
    struct rig rig;

    open_rig(&rig, SERVICE_SERVER_STREAM);
    struct call *call = begin(&rig, WATCH_METHOD, NULL);
    say(call, "wait");
    call_request_end(call);
    loop_run(rig.loop);
    for (int i = 0; i < 100; i++)
        send(rig.waiting, 1);
    CHECK_INT(take_replies(call), 100);
    send(rig.waiting, 1);
    invocation_finish(rig.waiting, GRPC_OK, "%s", "");
    check_end(&rig, call, GRPC_OK, "", 1);
    CHECK_INT(rig.gone, 1);
    close_rig(&rig);

    open_rig(&rig, SERVICE_SERVER_STREAM);
    call = begin(&rig, WATCH_METHOD, NULL);
    call_request_end(call);
    check_end(&rig, call, GRPC_UNIMPLEMENTED, "missing", 0);
    close_rig(&rig);
}

static void streams_of_requests_are_taken_one_by_one(void) {
    for (int kind = SERVICE_CLIENT_STREAM; kind <= SERVICE_BIDI; kind++) {
        struct rig rig;

        open_rig(&rig, (enum service_kind)kind);
        struct call *call = begin(&rig, WATCH_METHOD, NULL);
        say(call, "one");
        loop_run(rig.loop);
        CHECK_INT(rig.handled, 1);
        say(call, "two");
        say(call, "three");
        call_request_end(call);
        check_end(&rig, call, GRPC_OK, "", 3);
        CHECK_INT(rig.handled, 3);
        CHECK_INT(rig.ended, 1);
        CHECK_INT(rig.gone, 1);
        close_rig(&rig);
    }
}

static void an_empty_stream_is_only_an_end(void) {
    struct rig rig;

    open_rig(&rig, SERVICE_CLIENT_STREAM);
    struct call *call = begin(&rig, WATCH_METHOD, NULL);
    call_request_end(call);
    check_end(&rig, call, GRPC_OK, "", 0);
    CHECK_INT(rig.ended, 1);
    CHECK_INT(rig.handled, 0);
    close_rig(&rig);
}

static void nothing_is_handed_over_after_the_end(void) {
    struct rig rig;

    open_rig(&rig, SERVICE_BIDI);
    struct call *call = begin(&rig, WATCH_METHOD, NULL);
    say(call, "one");
    say(call, "stop");
    say(call, "three");
    call_request_end(call);
    check_end(&rig, call, GRPC_ABORTED, "stopped", 1);
    CHECK_INT(rig.handled, 2);
    CHECK_INT(rig.ended, 0);
    CHECK_INT(rig.gone, 1);
    close_rig(&rig);
}

/* A caller that takes no replies is asked for no more requests. */
static void a_slow_caller_slows_the_stream_down(void) {
    struct rig rig;
    unsigned replies = 0;

    open_rig(&rig, SERVICE_BIDI);
    struct call *call = begin(&rig, WATCH_METHOD, NULL);
    for (int i = 0; i < 20000; i++)
        say(call, "more");
    call_request_end(call);
    loop_run(rig.loop);
    CHECK(call->reply.len < CALL_PIPE_MAX + 16);
    CHECK(call->request.len > 0);
    CHECK(rig.handled < 20000);
    while (!call->finished) {
        replies += take_replies(call);
        loop_run(rig.loop);
        CHECK(call->reply.len < CALL_PIPE_MAX + 16);
    }
    check_end(&rig, call, GRPC_OK, "", 20000 - replies);
    CHECK_INT(rig.handled, 20000);
    close_rig(&rig);
}

/* The end of the requests must not hide the half message before it. */
static void a_cut_message_behind_a_full_reply_is_an_error(void) {
    struct rig rig;

    open_rig(&rig, SERVICE_BIDI);
    struct call *call = begin(&rig, WATCH_METHOD, NULL);
    unsigned count = CALL_PIPE_MAX / 7 + 1;
    for (unsigned i = 0; i < count; i++)
        say(call, "m");
    loop_run(rig.loop);
    CHECK(call->reply.len >= CALL_PIPE_MAX);
    call_request_write(call, slice_of("\0\0\0\0\5a", 6));
    call_request_end(call);
    loop_run(rig.loop);
    CHECK_INT(rig.ended, 0);
    CHECK_INT(take_replies(call), count);
    check_end(&rig, call, GRPC_INTERNAL, "ended inside a message", 0);
    CHECK_INT(rig.ended, 0);
    close_rig(&rig);
}

static void count_drained(struct invocation *invocation, void *user) {
    struct rig *rig = user;
    rig->drained++;
    if (rig->drained == 2)
        invocation_finish(invocation, GRPC_OK, "%s", "");
    else
        send(invocation, 1);
}

static void a_sender_learns_that_all_was_taken(void) {
    struct rig rig;

    open_rig(&rig, SERVICE_SERVER_STREAM);
    struct call *call = begin(&rig, WATCH_METHOD, NULL);
    say(call, "wait");
    call_request_end(call);
    loop_run(rig.loop);
    invocation_on_drained(rig.waiting, count_drained);
    send(rig.waiting, 1);
    CHECK_INT(invocation_waiting(rig.waiting), 7);
    loop_run(rig.loop);
    CHECK_INT(rig.drained, 0);
    CHECK_INT(take_replies(call), 1);
    loop_run(rig.loop);
    CHECK_INT(rig.drained, 1);
    CHECK_INT(take_replies(call), 1);
    check_end(&rig, call, GRPC_OK, "", 0);
    CHECK_INT(rig.gone, 1);
    close_rig(&rig);
}

static void a_handler_learns_once_that_the_caller_has_gone(void) {
    for (int with_deadline = 0; with_deadline <= 1; with_deadline++) {
        struct rig rig;

        open_rig(&rig, SERVICE_BIDI);
        struct call *call = begin(&rig, CHECK_METHOD, NULL);
        say(call, "wait");
        call_request_end(call);
        loop_run(rig.loop);
        CHECK(rig.waiting != NULL);
        if (with_deadline)
            call_set_deadline(call, 1);
        else
            call_cancel(call);
        loop_run(rig.loop);
        CHECK_INT(rig.gone, 1);
        check_end(&rig, call, with_deadline ? GRPC_DEADLINE_EXCEEDED : GRPC_CANCELLED, "",
                  0);
        close_rig(&rig);
    }
}

/* An answer that crosses the cancellation finds the invocation still there. */
static void an_answer_after_the_cancellation_is_dropped(void) {
    struct rig rig;

    open_rig(&rig, SERVICE_BIDI);
    struct call *call = begin(&rig, CHECK_METHOD, NULL);
    say(call, "wait");
    call_request_end(call);
    loop_run(rig.loop);
    call_cancel(call);
    answer(rig.waiting, 1);
    check_end(&rig, call, GRPC_CANCELLED, "gone", 0);
    CHECK_INT(rig.gone, 1);
    close_rig(&rig);
}

/* Whoever watches would hold the end up; who asked one thing gets its answer. */
static void a_stop_ends_streams_and_answers_the_rest(void) {
    for (int kind = SERVICE_SERVER_STREAM; kind <= SERVICE_BIDI; kind++) {
        struct rig rig;

        open_rig(&rig, (enum service_kind)kind);
        struct call *stream = begin(&rig, WATCH_METHOD, NULL);
        say(stream, "one");
        if (kind == SERVICE_SERVER_STREAM)
            call_request_end(stream);
        loop_run(rig.loop);
        struct call *unary = begin(&rig, CHECK_METHOD, NULL);
        say(unary, "a");
        services_stop(rig.services);
        check_end(&rig, stream, GRPC_UNAVAILABLE, "the server stops", 1);
        CHECK_INT(rig.gone, 1);
        call_request_end(unary);
        check_end(&rig, unary, GRPC_OK, "", 1);
        struct call *late = begin(&rig, WATCH_METHOD, NULL);
        check_end(&rig, late, GRPC_UNAVAILABLE, "the server stops", 0);
        close_rig(&rig);
    }
}

/* So that whoever serves the connection can tell how much all calls on it keep. */
static void what_is_kept_of_a_message_is_told(void) {
    struct rig rig;
    char part[1000] = { 0, 0, 0, 16, 0 }; /* of a message of 4,096 bytes */

    open_rig(&rig, SERVICE_BIDI);
    struct call *call = begin(&rig, CHECK_METHOD, NULL);
    for (size_t i = 1; i <= 4; i++) {
        call_request_write(call, slice_of(part, sizeof(part)));
        loop_run(rig.loop);
        CHECK_INT(call->held, i * sizeof(part));
    }
    call_cancel(call);
    loop_run(rig.loop);
    call_detach_caller(call);
    close_rig(&rig);
}

TESTS(TEST(a_unary_call_is_answered),
      TEST(a_failure_says_why_and_sends_no_message),
      TEST(an_answer_may_come_later),
      TEST(a_request_larger_than_a_window_is_taken),
      TEST(faulty_requests_end_with_the_status_of_the_specification),
      TEST(an_unknown_encoding_is_told_which_are_known),
      TEST(what_came_packed_is_answered_packed),
      TEST(what_unpacks_beyond_the_limit_is_refused),
      TEST(unknown_methods_are_unimplemented),
      TEST(a_server_stream_takes_one_request_and_sends_many),
      TEST(streams_of_requests_are_taken_one_by_one),
      TEST(an_empty_stream_is_only_an_end),
      TEST(nothing_is_handed_over_after_the_end),
      TEST(a_slow_caller_slows_the_stream_down),
      TEST(a_cut_message_behind_a_full_reply_is_an_error),
      TEST(a_sender_learns_that_all_was_taken),
      TEST(a_handler_learns_once_that_the_caller_has_gone),
      TEST(an_answer_after_the_cancellation_is_dropped),
      TEST(a_stop_ends_streams_and_answers_the_rest),
      TEST(what_is_kept_of_a_message_is_told))
