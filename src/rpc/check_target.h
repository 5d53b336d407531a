/*
 * check_target - a target in a unit test: holds calls until the test answers them
 *
 * Each call whose request is whole is shown to on_request, which may answer it at once or
 * later; one that ends before (cancelled, late) is let go.
 */
#pragma once

#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"
#include "rpc/call.h"
#include "rpc/inbox.h"
#include "rpc/target.h"
#include "wire/pb.h"

struct check_call;

struct check_target {
    struct target target;
    struct list
        calls; /* of struct check_call: those without an answer, the oldest first */
    size_t open;
    size_t begun;
    size_t lost; /* that ended without an answer of ours */
    void (*on_request)(struct check_target *target, struct check_call *call);
    void *arg; /* borrowed: the test */
};

struct check_call {
    struct list in_list;
    struct check_target *target; /* borrowed: the test */
    struct call *call;           /* reference: we are its callee */
    struct inbox inbox;
    struct buf request; /* packed */
    bool is_whole;
    bool is_answered;
};

static inline void check_target_let_go(struct check_call *held) {
    struct call *call = held->call;

    list_remove(&held->in_list);
    held->target->open--;
    held->target->lost += !held->is_answered;
    inbox_done(&held->inbox);
    buf_done(&held->request);
    free(held);
    call_detach_callee(call);
}

static inline void check_target_on_wake(struct call *call, void *user) {
    struct check_call *held = user;
    size_t taken;

    if (call->finished) {
        check_target_let_go(held);
        return;
    }
    if (held->is_whole || !call->request_ended)
        return;
    CHECK_INT(inbox_take(&held->inbox, &call->request, &held->request, &taken), 0);
    held->is_whole = true;
    if (held->target->on_request)
        held->target->on_request(held->target, held);
}

static inline void check_target_start(struct target *start, struct call *call) {
    struct check_target *target = container_of(start, struct check_target, target);
    struct check_call *held = mem_new(sizeof(*held));
    struct call_half callee = { .on_wake = check_target_on_wake, .user = held };

    *held = (struct check_call) { .target = target, .call = call };
    inbox_init(&held->inbox, 1 << 20);
    list_add_tail(&target->calls, &held->in_list);
    target->open++;
    target->begun++;
    call_attach_callee(call, &callee);
    loop_post(call->loop, &call->wake_callee);
}

static inline void check_target_init(struct check_target *target,
                                     void (*on_request)(struct check_target *target,
                                                        struct check_call *call),
                                     void *arg) {
    *target = (struct check_target) {
        .target.start = check_target_start,
        .on_request = on_request,
        .arg = arg,
    };
    list_init(&target->calls);
}

/* The oldest that waits for an answer, or NULL. */
static inline struct check_call *check_target_first(struct check_target *target) {
    list_for_each_safe(at, after, &target->calls) {
        struct check_call *held = container_of(at, struct check_call, in_list);
        if (!held->is_answered)
            return held;
    }
    return NULL;
}

/* Its request; pb_free() it. */
static inline ProtobufCMessage *check_target_read(
    const struct check_call *held, const ProtobufCMessageDescriptor *type) {
    ProtobufCMessage *message;

    CHECK_INT(pb_unpack(type, slice_of(held->request.data, held->request.len), &message),
              0);
    return message;
}

/* A message of the answer. */
static inline void check_target_send(struct check_call *held,
                                     const ProtobufCMessage *message) {
    struct buf packed = { 0 };
    struct buf framed = { 0 };

    pb_pack(&packed, message);
    grpc_message_add(&framed, buf_slice(&packed), GRPC_IDENTITY);
    call_reply_write(held->call, buf_slice(&framed));
    buf_done(&framed);
    buf_done(&packed);
}

/* Its end. */
static inline void check_target_end(struct check_call *held,
                                    enum grpc_status status,
                                    const char *message) {
    held->is_answered = true;
    call_finish(held->call, status, message, NULL);
}

/* The only message of the answer, and OK. */
static inline void check_target_reply(struct check_call *held,
                                      const ProtobufCMessage *message) {
    check_target_send(held, message);
    check_target_end(held, GRPC_OK, NULL);
}
