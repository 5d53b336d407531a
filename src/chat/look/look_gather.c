#include "chat/look/look_gather.h"

#include <stdlib.h>

#include "base/mem.h"

/* A copy: a reply is lent for the callback only. */
static ProtobufCMessage *keep(const ProtobufCMessage *reply) {
    struct buf bytes = { 0 };
    ProtobufCMessage *copy = NULL;

    pb_pack(&bytes, reply);
    (void)pb_unpack(reply->descriptor, buf_slice(&bytes), &copy);
    buf_done(&bytes);
    return copy;
}

static void empty_slot(struct look_gather_slot *slot) {
    free(slot->message);
    pb_free(slot->reply);
    *slot = (struct look_gather_slot) { 0 };
}

void look_gather_start(struct look_gather *gather,
                       void (*on_all)(struct turn *turn, struct look_gather *gather)) {
    look_gather_done(gather);
    gather->on_all = on_all;
    gather->is_over = false;
}

void look_gather_done(void *gather) {
    struct look_gather *done = gather;

    for (size_t i = 0; i < LOOK_GATHER_MAX; i++)
        empty_slot(&done->slots[i]);
}

static void go_on(struct turn *turn, struct look_gather *gather) {
    if (gather->is_over)
        return;
    gather->is_over = true;
    gather->on_all(turn, gather);
}

static void on_reply(struct turn *turn,
                     void *arg,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    struct look_gather_slot *slot = arg;
    struct look_gather *gather = slot->gather;

    if (gather->is_over)
        return; /* too late */
    slot->is_here = true;
    slot->status = status;
    slot->message = mem_strdup(message ? message : "");
    slot->reply = reply ? keep(reply) : NULL;
    for (size_t i = 0; i < LOOK_GATHER_MAX; i++)
        if (gather->slots[i].is_asked && !gather->slots[i].is_here)
            return;
    go_on(turn, gather);
}

void look_gather_call(struct look_gather *gather,
                      struct turn *turn,
                      unsigned place,
                      const char *node,
                      const char *method,
                      const ProtobufCMessage *request) {
    gather->slots[place].gather = gather;
    gather->slots[place].is_asked = true;
    turn_call(turn, node, method, request, on_reply, &gather->slots[place]);
}

static void on_limit(struct turn *turn, void *arg) {
    go_on(turn, arg);
}

void look_gather_limit(struct look_gather *gather, struct turn *turn, unsigned ms) {
    turn_later(turn, ms, on_limit, gather);
}

bool look_gather_fail(const struct look_gather *gather,
                      struct turn *turn,
                      unsigned place,
                      const char *what) {
    const struct look_gather_slot *slot = &gather->slots[place];

    if (slot->reply)
        return false;
    turn_fail(turn, slot->is_here ? slot->status : GRPC_DEADLINE_EXCEEDED,
              slot->message ? slot->message : turn_say(turn, "no answer came in time"),
              what);
    return true;
}
