#include "base/pipe.h"

#include "base/check.h"

static void fill(uint8_t *at, size_t len) {
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(i * 31 + i / 251);
}

/* However bytes are added and dropped, they come out in order. */
static void bytes_come_out_in_order(void) {
    enum { LEN = 50000 };
    static uint8_t in[LEN], out[LEN];
    static const size_t steps[] = { 1, 7, 255, 256, 257, 16384, 20000 };
    fill(in, LEN);

    for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
        struct pipe pipe;
        pipe_init(&pipe);
        for (size_t at = 0; at < LEN; at += steps[s]) {
            size_t n = LEN - at < steps[s] ? LEN - at : steps[s];
            pipe_add(&pipe, slice_of(in + at, n));
        }
        CHECK_INT(pipe.len, LEN);
        pipe_copy(&pipe, out, LEN);
        assert_memory_equal(in, out, LEN);
        for (size_t at = 0; pipe.len > 0;) {
            struct slice part = pipe_peek(&pipe);
            CHECK(part.len > 0);
            CHECK(memcmp(part.at, in + at, part.len) == 0);
            size_t n = part.len < 1000 ? part.len : 1000;
            pipe_drop(&pipe, n);
            at += n;
        }
        CHECK(list_is_empty(&pipe.chunks));
    }
}

static void moving_takes_at_most_max(void) {
    static uint8_t in[40000];
    uint8_t out[40000];
    struct pipe from, to;
    fill(in, sizeof(in));
    pipe_init(&from);
    pipe_init(&to);
    pipe_add(&from, slice_of(in, sizeof(in)));

    CHECK_INT(pipe_move(&to, &from, 17000), 17000);
    CHECK_INT(pipe_move(&to, &from, 1 << 20), 23000);
    CHECK_INT(from.len, 0);
    pipe_copy(&to, out, sizeof(out));
    assert_memory_equal(in, out, sizeof(in));
    pipe_done(&to);
    pipe_done(&from);
}

static void runs_lie_one_behind_the_other(void) {
    static uint8_t in[40000];
    struct slice runs[8];
    struct pipe pipe;
    size_t at = 0;
    fill(in, sizeof(in));
    pipe_init(&pipe);
    CHECK_INT(pipe_peek_runs(&pipe, runs, 8), 0);
    pipe_add(&pipe, slice_of(in, sizeof(in)));
    pipe_drop(&pipe, 10);

    CHECK_INT(pipe_peek_runs(&pipe, runs, 2), 2);
    size_t count = pipe_peek_runs(&pipe, runs, 8);
    CHECK_INT(count, 3);
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(runs[i].at, in + 10 + at, runs[i].len);
        at += runs[i].len;
    }
    CHECK_INT(at, pipe.len);
    pipe_done(&pipe);
}

TESTS(TEST(bytes_come_out_in_order),
      TEST(moving_takes_at_most_max),
      TEST(runs_lie_one_behind_the_other))
