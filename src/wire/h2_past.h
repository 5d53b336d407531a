/*
 * h2_past - which of a client's streams are over, by what it said itself
 *
 * The engine forgets a stream when it closes and then passes over its frames. But what
 * follows the client's own END_STREAM or RST_STREAM is a fault (RFC 9113, 5.1), and so is
 * a request on a stream that it has skipped (5.1.1); only what crosses a reset of ours is
 * to be ignored. So this walks over the heads of the frames beside the engine, and keeps
 * the last streams that were ended and the last ones that were skipped. It also counts
 * the frames that the engine may pass over in silence, for the guard.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    H2_PAST_KEPT = 16, /* streams: faults of a client follow at once, or never */
    H2_PAST_HEAD = 9,  /* bytes of a frame's head */
};

enum h2_past_end { H2_PAST_ENDED, H2_PAST_RESET, H2_PAST_SKIPPED };

struct h2_past {
    uint8_t head[H2_PAST_HEAD]; /* of the frame that is being read */
    uint8_t head_len;
    uint8_t preface_left;
    uint32_t body_left;
    int32_t newest; /* stream that was opened */
    int32_t skipped_from;
    int32_t skipped_to;
    int32_t ended[H2_PAST_KEPT]; /* a ring; negative: by RST_STREAM */
    unsigned next;
    unsigned idle_frames; /* empty DATA and unknown types, until somebody sets it to 0 */
};

/* DATA or HEADERS on a stream that is in the past, unless the engine still has it. */
struct h2_past_fault {
    int32_t id; /* 0: there is none */
    enum h2_past_end end;
};

void h2_past_init(struct h2_past *past);

/* Walks up to the head of the next faulty frame, or over all bytes: returns how many. */
size_t h2_past_walk(struct h2_past *past,
                    struct slice bytes,
                    struct h2_past_fault *ret_fault);
