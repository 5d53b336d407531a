/*
 * metrics_span - the time that a request is about
 */
#pragma once

#include <stdint.h>

#include "roost/v1/metrics.pb-c.h"

/* As requests give it. Borrowed. */
struct metrics_span {
    const Google__Protobuf__Timestamp *since; /* or last_ms, or neither */
    const Google__Protobuf__Timestamp *until; /* NULL: now */
    uint64_t last_ms;
    uint64_t usual_ms; /* without since and last_ms; 0: one of them is needed */
};

/*
 * From when, and until when (not included), in milliseconds of the epoch: NULL; else why
 * it is no span, lent for good.
 */
const char *metrics_span_read(const struct metrics_span *span,
                              int64_t now_ms,
                              int64_t *ret_since_ms,
                              int64_t *ret_until_ms);
