/*
 * told - what a receiver was told of an incident, as it is kept
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "alerts/notifier/decision.h"
#include "base/buf.h"
#include "base/slice.h"

/* A plain value; the message's id is owned. */
struct told {
    int64_t due_ms; /* it was decided that he is to be told; 0: not yet */
    int64_t told_ms;
    uint64_t version;
    int64_t last_ms; /* of the last message, edits not counted */
    int64_t edited_ms;
    bool is_escalation;
    bool is_over; /* he knows that it is over */
    enum decision_gather gather;
    uint64_t digest; /* in which it is, with gather */
    char *message;   /* owned; NULL: none */
};

void told_done(struct told *told);
void told_write(const struct told *told, struct buf *out);

/* False when it is damaged; then nothing is to be freed. */
bool told_read(struct slice bytes, struct told *ret_told);
