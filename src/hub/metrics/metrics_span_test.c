#include "hub/metrics/metrics_span.h"

#include "base/check.h"

enum { NOW_MS = 1000000 };

static const Google__Protobuf__Timestamp at_200 = { .seconds = 200 };
static const Google__Protobuf__Timestamp at_500 = { .seconds = 500 };
static const Google__Protobuf__Timestamp epoch = { .seconds = 0 };

static void a_span_ends_now_and_begins_where_told(void) {
    static const struct {
        struct metrics_span span;
        int64_t since_ms, until_ms;
    } rows[] = {
        { { .since = &at_200 }, 200000, NOW_MS },
        { { .since = &at_200, .until = &at_500 }, 200000, 500000 },
        { { .until = &at_500, .last_ms = 1000 }, 499000, 500000 },
        { { .last_ms = 1000, .usual_ms = 5000 }, 999000, NOW_MS },
        { { .usual_ms = 5000 }, 995000, NOW_MS },
        { { .since = &at_200, .usual_ms = 5000 }, 200000, NOW_MS },
        { { .last_ms = UINT64_MAX }, 1, NOW_MS },
        { { .last_ms = NOW_MS }, 1, NOW_MS },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t since_ms = 0, until_ms = 0;
        CHECK(!metrics_span_read(&rows[i].span, NOW_MS, &since_ms, &until_ms));
        CHECK_INT(since_ms, rows[i].since_ms);
        CHECK_INT(until_ms, rows[i].until_ms);
    }
}

static void what_is_no_span_has_a_reason(void) {
    static const struct {
        struct metrics_span span;
        const char *why;
    } rows[] = {
        { { .usual_ms = 0 }, "since is missing: the beginning of the span" },
        { { .until = &at_500 }, "since is missing: the beginning of the span" },
        { { .since = &at_200, .last_ms = 1 }, "since or last_ms: one of them" },
        { { .since = &epoch }, "since must be after 1970-01-01T00:00:00Z" },
        { { .since = &at_500, .until = &at_500 }, "since must be before until" },
        { { .since = &at_500, .until = &at_200 }, "since must be before until" },
        { { .until = &epoch, .last_ms = 5 }, "since must be before until" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t since_ms = -1, until_ms = -1;
        CHECK_TEXT(metrics_span_read(&rows[i].span, NOW_MS, &since_ms, &until_ms),
                   rows[i].why);
        CHECK(since_ms == -1 && until_ms == -1);
    }
}

TESTS(TEST(a_span_ends_now_and_begins_where_told), TEST(what_is_no_span_has_a_reason))
