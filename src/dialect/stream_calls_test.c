#include "dialect/stream_calls.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "rpc/call.h"
#include "wire/headers.h"
#include "wire/pb.h"

enum { SAID_MAX = 64, WINDOW = 65536 };

/* The hub's side of a stream; what was said on it, and how much is still to be taken. */
struct rig {
    struct loop *loop;
    struct stream_calls *calls;
    ProtobufCMessage *said[SAID_MAX];
    size_t count;
    size_t waiting;
    size_t message_bytes;
    struct stream_fault fault;
};

static void on_send(void *owner, const Roost__V1__ConnectResponse *response) {
    struct rig *rig = owner;
    struct buf packed = { 0 };

    if (response->kind_case == ROOST__V1__CONNECT_RESPONSE__KIND_CALL_MESSAGE)
        rig->message_bytes += response->call_message->data.len;
    CHECK(rig->count < SAID_MAX);
    pb_pack(&packed, &response->base);
    CHECK(pb_unpack(&roost__v1__connect_response__descriptor, buf_slice(&packed),
                    &rig->said[rig->count++]) == 0);
    buf_done(&packed);
}

static size_t on_waiting(const void *owner) {
    const struct rig *rig = owner;
    return rig->waiting;
}

static void open(struct rig *rig, size_t calls_max) {
    struct stream_calls_config config = {
        .calls_max = calls_max,
        .message_max = 100000,
        .header_bytes_max = 4096,
        .send = on_send,
        .waiting = on_waiting,
        .owner = rig,
    };

    *rig = (struct rig) { .loop = loop_new() };
    rig->calls = stream_calls_new(&config);
}

static void forget_said(struct rig *rig) {
    while (rig->count > 0)
        pb_free(rig->said[--rig->count]);
}

static void shut(struct rig *rig) {
    stream_calls_free(rig->calls, "over");
    loop_settle(rig->loop);
    forget_said(rig);
    loop_free(rig->loop);
}

static void on_caller(struct call *call, void *user) {
}

static struct call *begin(struct rig *rig) {
    struct call_half caller = { .on_wake = on_caller };
    struct call *call = call_new(rig->loop, "/example.Greeter/Chat", &caller);

    stream_calls_start(rig->calls, call);
    loop_settle(rig->loop);
    return call;
}

/* The last message of that kind; NULL without one. */
static const Roost__V1__ConnectResponse *last(const struct rig *rig, int kind) {
    for (size_t i = rig->count; i > 0; i--) {
        const Roost__V1__ConnectResponse *response =
            (const Roost__V1__ConnectResponse *)rig->said[i - 1];
        if ((int)response->kind_case == kind)
            return response;
    }
    return NULL;
}

static uint64_t id_of(const struct rig *rig) {
    return last(rig, ROOST__V1__CONNECT_RESPONSE__KIND_CALL_START)->call_start->id;
}

static void write_message(struct call *call, size_t len) {
    struct buf framed = { 0 };
    uint8_t *bytes = mem_new(len + 1);

    memset(bytes, 'a', len);
    grpc_message_add(&framed, slice_of(bytes, len), GRPC_IDENTITY);
    call_request_write(call, buf_slice(&framed));
    loop_settle(call->loop);
    buf_done(&framed);
    free(bytes);
}

static bool take_part(struct rig *rig, uint64_t id, size_t len, uint32_t left) {
    Roost__V1__ConnectRequest request = ROOST__V1__CONNECT_REQUEST__INIT;
    Roost__V1__MessagePart part = ROOST__V1__MESSAGE_PART__INIT;

    part.id = id;
    part.data.data = mem_new(len + 1);
    part.data.len = len;
    part.left = left;
    request.kind_case = ROOST__V1__CONNECT_REQUEST__KIND_REPLY_MESSAGE;
    request.reply_message = &part;
    bool is_good = stream_calls_take(rig->calls, &request, &rig->fault);
    free(part.data.data);
    loop_settle(rig->loop);
    return is_good;
}

static bool take_credit(struct rig *rig, uint64_t id, uint32_t bytes) {
    Roost__V1__ConnectRequest request = ROOST__V1__CONNECT_REQUEST__INIT;
    Roost__V1__CallCredit credit = ROOST__V1__CALL_CREDIT__INIT;

    credit.id = id;
    credit.bytes = bytes;
    request.kind_case = ROOST__V1__CONNECT_REQUEST__KIND_CREDIT;
    request.credit = &credit;
    bool is_good = stream_calls_take(rig->calls, &request, &rig->fault);
    loop_settle(rig->loop);
    return is_good;
}

static bool take_end(struct rig *rig, uint64_t id, uint32_t status) {
    Roost__V1__ConnectRequest request = ROOST__V1__CONNECT_REQUEST__INIT;
    Roost__V1__ConnectRequest__ReplyEnd end = ROOST__V1__CONNECT_REQUEST__REPLY_END__INIT;

    end.id = id;
    end.status = status;
    request.kind_case = ROOST__V1__CONNECT_REQUEST__KIND_REPLY_END;
    request.reply_end = &end;
    bool is_good = stream_calls_take(rig->calls, &request, &rig->fault);
    loop_settle(rig->loop);
    return is_good;
}

static void a_call_is_told_message_by_message_and_its_end(void) {
    struct rig rig;

    open(&rig, 10);
    struct call *call = begin(&rig);
    uint64_t id = id_of(&rig);
    write_message(call, 3);
    write_message(call, 0);
    call_request_end(call);
    loop_settle(rig.loop);
    CHECK_INT(rig.count, 4);
    CHECK_INT(rig.message_bytes, 3);
    CHECK(
        last(&rig, ROOST__V1__CONNECT_RESPONSE__KIND_CALL_HALF_CLOSE)->call_half_close ==
        id);
    CHECK(take_part(&rig, id, 7, 0));
    CHECK(call->has_reply_head);
    CHECK_INT(call->reply.len, 12);
    CHECK(take_end(&rig, id, 0));
    CHECK(call->finished && call->status == GRPC_OK);
    CHECK_INT(stream_calls_count(rig.calls), 0);
    CHECK(!last(&rig, ROOST__V1__CONNECT_RESPONSE__KIND_CALL_CANCEL));
    call_detach_caller(call);
    shut(&rig);
}

static void without_credit_no_more_than_a_window_is_sent(void) {
    struct rig rig;

    open(&rig, 10);
    struct call *call = begin(&rig);
    uint64_t id = id_of(&rig);
    write_message(call, 90000);
    CHECK(rig.message_bytes <= WINDOW && rig.message_bytes > WINDOW - 100);
    size_t sent = rig.message_bytes;
    CHECK(take_credit(&rig, id, 5));
    CHECK_INT(rig.message_bytes, sent);
    CHECK(take_credit(&rig, id, 1005));
    CHECK(rig.message_bytes > sent && rig.message_bytes <= sent + 1005);
    CHECK(take_credit(&rig, id, 90000));
    CHECK_INT(rig.message_bytes, 90000);
    CHECK(!take_credit(&rig, id, 17 << 20));
    call_detach_caller(call);
    loop_settle(rig.loop);
    shut(&rig);
}

static void calls_take_turns_when_the_far_side_is_slow(void) {
    struct rig rig;

    open(&rig, 10);
    struct call *one = begin(&rig);
    uint64_t one_id = id_of(&rig);
    struct call *two = begin(&rig);
    rig.waiting = STREAM_CALLS_WAITING_MAX;
    write_message(one, 50000);
    write_message(two, 50000);
    CHECK_INT(rig.message_bytes, 0);
    forget_said(&rig);
    rig.waiting = 0;
    stream_calls_pump(rig.calls);
    CHECK(((Roost__V1__ConnectResponse *)rig.said[0])->call_message->id !=
          ((Roost__V1__ConnectResponse *)rig.said[1])->call_message->id);
    CHECK_INT(rig.message_bytes, 100000);
    CHECK(one_id != 0);
    call_detach_caller(one);
    call_detach_caller(two);
    loop_settle(rig.loop);
    shut(&rig);
}

/* The window of replies holds what the caller has not taken, and no more. */
static void credit_comes_back_as_the_caller_takes(void) {
    struct rig rig;

    open(&rig, 10);
    struct call *call = begin(&rig);
    uint64_t id = id_of(&rig);
    CHECK(take_part(&rig, id, 32768, 0));
    CHECK(take_part(&rig, id, 32000, 0));
    CHECK(!last(&rig, ROOST__V1__CONNECT_RESPONSE__KIND_CREDIT));
    pipe_drop(&call->reply, call->reply.len);
    call_reply_taken(call);
    loop_settle(rig.loop);
    const Roost__V1__ConnectResponse *credit =
        last(&rig, ROOST__V1__CONNECT_RESPONSE__KIND_CREDIT);
    CHECK(credit && credit->credit->bytes == 32768 + 32000 + 2 * 5);
    CHECK(take_part(&rig, id, 32768, 0));
    CHECK(take_part(&rig, id, 32000, 0));
    CHECK(!take_part(&rig, id, 1000, 0));
    CHECK_INT(rig.fault.status, GRPC_RESOURCE_EXHAUSTED);
    call_detach_caller(call);
    loop_settle(rig.loop);
    shut(&rig);
}

static void parts_make_one_message(void) {
    struct rig rig;

    open(&rig, 10);
    struct call *call = begin(&rig);
    uint64_t id = id_of(&rig);
    CHECK(take_part(&rig, id, 2, 5));
    CHECK(take_part(&rig, id, 4, 1));
    CHECK(take_part(&rig, id, 1, 0));
    uint8_t got[12];
    CHECK_INT(call->reply.len, sizeof(got));
    pipe_copy(&call->reply, got, sizeof(got));
    CHECK_INT(got[4], 7);
    CHECK(!take_part(&rig, id, 0, 3));
    CHECK(take_part(&rig, id, 1, 3));
    CHECK(!take_part(&rig, id, 1, 3));
    CHECK(take_end(&rig, id, 0));
    CHECK_INT(call->status, GRPC_INTERNAL);
    call_detach_caller(call);
    shut(&rig);
}

static void a_reply_over_the_limit_ends_its_call_alone(void) {
    struct rig rig;

    open(&rig, 10);
    struct call *call = begin(&rig);
    uint64_t id = id_of(&rig);
    CHECK(take_part(&rig, id, 1, 100000));
    CHECK_INT(call->status, GRPC_RESOURCE_EXHAUSTED);
    CHECK(last(&rig, ROOST__V1__CONNECT_RESPONSE__KIND_CALL_CANCEL)->call_cancel == id);
    CHECK(take_part(&rig, id, 1, 0));
    call_detach_caller(call);
    shut(&rig);
}

static void ids_that_were_never_given_are_told_from_those_that_are_over(void) {
    struct rig rig;

    open(&rig, 10);
    struct call *call = begin(&rig);
    uint64_t id = id_of(&rig);
    call_detach_caller(call);
    loop_settle(rig.loop);
    CHECK(last(&rig, ROOST__V1__CONNECT_RESPONSE__KIND_CALL_CANCEL)->call_cancel == id);
    CHECK(take_end(&rig, id, 0));
    CHECK(take_credit(&rig, id, 1));
    CHECK(!take_end(&rig, 0, 0));
    CHECK(!take_end(&rig, 7, 0));
    CHECK(!take_end(&rig, id + (1 << 16), 0));
    CHECK(!take_end(&rig, UINT64_MAX, 0));
    shut(&rig);
}

static void more_calls_than_the_limit_are_refused(void) {
    enum { MAX = 40 };
    struct call *calls[MAX + 1];
    struct rig rig;

    open(&rig, MAX);
    for (size_t i = 0; i <= MAX; i++)
        calls[i] = begin(&rig);
    CHECK_INT(stream_calls_count(rig.calls), MAX);
    CHECK(calls[MAX]->finished && calls[MAX]->status == GRPC_RESOURCE_EXHAUSTED);
    for (size_t i = 0; i <= MAX; i += 2)
        call_detach_caller(calls[i]);
    forget_said(&rig);
    loop_settle(rig.loop);
    CHECK_INT(stream_calls_count(rig.calls), MAX / 2);
    forget_said(&rig);
    struct call *late = begin(&rig);
    CHECK(!late->finished);
    call_detach_caller(late);
    for (size_t i = 1; i <= MAX; i += 2)
        call_detach_caller(calls[i]);
    loop_settle(rig.loop);
    shut(&rig);
}

/* It would not be a message to the far side. */
static void a_method_that_is_no_text_goes_nowhere(void) {
    struct call_half caller = { .on_wake = on_caller };
    struct rig rig;

    open(&rig, 10);
    struct call *call = call_new(rig.loop, "/example.Greeter/\xff", &caller);
    stream_calls_start(rig.calls, call);
    CHECK_INT(call->status, GRPC_UNIMPLEMENTED);
    CHECK_INT(rig.count, 0);
    call_detach_caller(call);
    shut(&rig);
}

static void the_end_of_the_stream_ends_its_calls(void) {
    struct rig rig;

    open(&rig, 10);
    struct call *call = begin(&rig);
    rig.calls = stream_calls_free(rig.calls, "over");
    CHECK(call->finished && call->status == GRPC_UNAVAILABLE);
    CHECK_TEXT(call->message, "over");
    call_detach_caller(call);
    shut(&rig);
}

TESTS(TEST(a_call_is_told_message_by_message_and_its_end),
      TEST(without_credit_no_more_than_a_window_is_sent),
      TEST(calls_take_turns_when_the_far_side_is_slow),
      TEST(credit_comes_back_as_the_caller_takes),
      TEST(parts_make_one_message),
      TEST(a_reply_over_the_limit_ends_its_call_alone),
      TEST(ids_that_were_never_given_are_told_from_those_that_are_over),
      TEST(more_calls_than_the_limit_are_refused),
      TEST(a_method_that_is_no_text_goes_nowhere),
      TEST(the_end_of_the_stream_ends_its_calls))
