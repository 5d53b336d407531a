#include "rpc/call.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"
#include "rpc/actor.h"
#include "rpc/target.h"

static void run_wake_caller(struct task *task) {
    struct call *call = container_of(task, struct call, wake_caller);
    if (call->caller.on_wake)
        call->caller.on_wake(call, call->caller.user); /* the call may be gone here */
}

static void run_wake_callee(struct task *task) {
    struct call *call = container_of(task, struct call, wake_callee);
    if (call->callee.on_wake)
        call->callee.on_wake(call, call->callee.user); /* the call may be gone here */
}

static void wake_caller(struct call *call) {
    if (call->caller.on_wake)
        loop_post(call->loop, &call->wake_caller);
}

static void wake_callee(struct call *call) {
    if (call->callee.on_wake)
        loop_post(call->loop, &call->wake_callee);
}

static void on_deadline(struct timer *timer) {
    struct call *call = container_of(timer, struct call, deadline);

    call->cancelled = true;
    call_finish(call, GRPC_DEADLINE_EXCEEDED, "the deadline has passed", NULL);
}

struct call *call_new(struct loop *loop,
                      const char *method,
                      const struct call_half *caller) {
    struct call *call = mem_new(sizeof(*call));

    *call = (struct call) {
        .refs = 1,
        .loop = loop,
        .caller = *caller,
        .wake_caller.run = run_wake_caller,
        .wake_callee.run = run_wake_callee,
        .deadline.fire = on_deadline,
        .method = mem_strdup(method),
    };
    pipe_init(&call->request);
    pipe_init(&call->reply);
    headers_init(&call->metadata);
    headers_init(&call->reply_head);
    headers_init(&call->trailers);
    return call;
}

struct call *call_new_tunnel(struct loop *loop,
                             const char *target,
                             const struct call_half *caller) {
    struct call *call = call_new(loop, "CONNECT", caller);
    call->tunnel = mem_strdup(target);
    return call;
}

struct call *call_ref(struct call *call) {
    call->refs++;
    return call;
}

struct call *call_unref(struct call *call) {
    if (!call || --call->refs > 0)
        return NULL;
    loop_cancel(&call->wake_caller);
    loop_cancel(&call->wake_callee);
    timer_stop(&call->deadline);
    pipe_done(&call->request);
    pipe_done(&call->reply);
    headers_done(&call->metadata);
    headers_done(&call->reply_head);
    headers_done(&call->trailers);
    actor_unref(call->actor);
    free(call->message);
    free(call->peer);
    free(call->authority);
    free(call->destination);
    free(call->tunnel);
    free(call->method);
    free(call);
    return NULL;
}

void call_set_deadline(struct call *call, uint64_t delay_ms) {
    timer_start(call->loop, &call->deadline, delay_ms);
}

uint64_t call_time_left_ms(const struct call *call) {
    if (!timer_is_running(&call->deadline))
        return UINT64_MAX;
    uint64_t now = loop_now_ms(call->loop);
    return call->deadline.at_ms > now ? call->deadline.at_ms - now : 0;
}

void call_start(struct call *call, struct target *target) {
    if (!call->finished)
        target->start(target, call);
    if (!call->callee.on_wake && !call->finished)
        call_finish(call, GRPC_INTERNAL, "nobody took the call", NULL);
}

void call_replace_caller(struct call *call, const struct call_half *caller) {
    call->caller = *caller;
    wake_caller(call); /* what was told to the other one meanwhile */
}

void call_request_write(struct call *call, struct slice bytes) {
    if (call->finished || bytes.len == 0)
        return;
    pipe_add(&call->request, bytes);
    call->request_total += bytes.len;
    wake_callee(call);
}

size_t call_request_move(struct call *call, struct pipe *from, size_t max) {
    if (call->finished) {
        size_t dropped = from->len;
        pipe_done(from);
        call->request_total += dropped; /* taken by nobody, credited all the same */
        return dropped;
    }
    size_t moved = pipe_move(&call->request, from, max);
    call->request_total += moved;
    if (moved > 0)
        wake_callee(call);
    return moved;
}

void call_request_end(struct call *call) {
    if (call->request_ended)
        return;
    call->request_ended = true;
    wake_callee(call);
}

void call_cancel(struct call *call) {
    if (call->finished)
        return;
    call->cancelled = true;
    call_finish(call, GRPC_CANCELLED, "the caller has gone", NULL);
}

void call_reply_taken(struct call *call) {
    wake_callee(call);
}

void call_detach_caller(struct call *call) {
    call_cancel(call);
    call->caller = (struct call_half) { 0 };
    loop_cancel(&call->wake_caller);
    call_unref(call);
}

void call_attach_callee(struct call *call, const struct call_half *callee) {
    assert(!call->callee.on_wake);
    call->callee = *callee;
    call_ref(call);
}

void call_replace_callee(struct call *call, const struct call_half *callee) {
    assert(call->callee.on_wake);
    call->callee = *callee;
    wake_callee(call); /* what was told to the other one meanwhile */
}

void call_reply_head(struct call *call, struct headers *head) {
    if (call->finished || call->has_reply_head)
        return;
    headers_move(&call->reply_head, head);
    call->has_reply_head = true;
    wake_caller(call);
}

void call_reply_write(struct call *call, struct slice bytes) {
    if (call->finished || bytes.len == 0)
        return;
    pipe_add(&call->reply, bytes);
    call->reply_total += bytes.len;
    wake_caller(call);
}

size_t call_reply_move(struct call *call, struct pipe *from, size_t max) {
    if (call->finished)
        return 0;
    size_t moved = pipe_move(&call->reply, from, max);
    call->reply_total += moved;
    if (moved > 0)
        wake_caller(call);
    return moved;
}

void call_reply_end(struct call *call) {
    if (call->finished || call->reply_ended)
        return;
    call->reply_ended = true;
    wake_caller(call);
}

void call_request_taken(struct call *call) {
    wake_caller(call);
}

void call_finish(struct call *call,
                 enum grpc_status status,
                 const char *message,
                 struct headers *trailers) {
    if (call->finished)
        return;
    timer_stop(&call->deadline);
    call->finished = true;
    call->status = status;
    call->message = mem_strdup(message ? message : "");
    if (trailers)
        headers_move(&call->trailers, trailers);
    if (call->cancelled)
        pipe_done(&call->reply); /* an early end overtakes what was said before it */
    pipe_done(&call->request);
    if (call->observer.on_finished)
        call->observer.on_finished(call);
    if (call->warden.on_finished)
        call->warden.on_finished(call);
    wake_caller(call);
    wake_callee(call);
}

void call_fail(struct call *call, enum grpc_status status, const char *format, ...) {
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    call_finish(call, status, buf_text(&text), NULL);
    buf_done(&text);
}

void call_finish_cut(struct call *call, const char *message, const char *delivered) {
    struct headers trailers = { 0 };

    headers_add(&trailers, CALL_DELIVERED, delivered);
    call_finish(call, GRPC_UNAVAILABLE, message, &trailers);
    headers_done(&trailers);
}

void call_pass_on(struct call *call, struct target *target) {
    call->callee = (struct call_half) { 0 };
    loop_cancel(&call->wake_callee);
    call_start(call, target);
    call_unref(call);
}

bool call_give_back(struct call *call, struct slice taken) {
    struct target *again = call->again;
    struct pipe rest;

    if (!again || call->finished || call->has_reply_head)
        return false;
    call->again = NULL;
    pipe_init(&rest);
    pipe_move(&rest, &call->request, SIZE_MAX);
    pipe_add(&call->request, taken);
    pipe_move(&call->request, &rest, SIZE_MAX);
    call_pass_on(call, again);
    return true;
}

void call_detach_callee(struct call *call) {
    call_finish(call, GRPC_INTERNAL, "the call was dropped", NULL);
    call->callee = (struct call_half) { 0 };
    loop_cancel(&call->wake_callee);
    call_unref(call);
}

bool call_service_name(const struct call *call, char *ret_service, size_t cap) {
    const char *start = call->method[0] == '/' ? call->method + 1 : call->method;
    const char *slash = strchr(start, '/');
    size_t len = slash ? (size_t)(slash - start) : 0;

    if (len == 0 || len >= cap || slash[1] == '\0')
        return false;
    memcpy(ret_service, start, len);
    ret_service[len] = '\0';
    return true;
}
