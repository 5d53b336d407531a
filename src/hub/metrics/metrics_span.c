#include "hub/metrics/metrics_span.h"

#include <stddef.h>

#include "wire/timestamp.h"

/* 1970 at the earliest, however long it is. */
static int64_t before(int64_t until_ms, uint64_t span_ms) {
    return until_ms > 0 && span_ms < (uint64_t)until_ms ? until_ms - (int64_t)span_ms : 1;
}

const char *metrics_span_read(const struct metrics_span *span,
                              int64_t now_ms,
                              int64_t *ret_since_ms,
                              int64_t *ret_until_ms) {
    uint64_t last_ms = span->last_ms ? span->last_ms : span->usual_ms;
    int64_t until_ms = span->until ? timestamp_get(span->until) : now_ms;
    int64_t since_ms =
        span->since ? timestamp_get(span->since) : before(until_ms, last_ms);

    if (span->since && span->last_ms > 0)
        return "since or last_ms: one of them";
    if (!span->since && last_ms == 0)
        return "since is missing: the beginning of the span";
    if (since_ms <= 0)
        return "since must be after 1970-01-01T00:00:00Z";
    if (since_ms >= until_ms)
        return "since must be before until";
    *ret_since_ms = since_ms;
    *ret_until_ms = until_ms;
    return NULL;
}
