#include "wire/sample.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/slice.h"

/* A generator whose numbers are the same in each run (Marsaglia's xorshift). */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int64_t random_value(uint64_t *state, int64_t before) {
    switch (next_random(state) % 8) {
    case 0:
        return SAMPLE_ABSENT;
    case 1:
        return (int64_t)next_random(state);
    case 2:
        return INT64_MAX;
    case 3:
        return INT64_MIN + 1;
    case 4:
        return (int64_t)(next_random(state) % 200) - 100;
    default:
        return before;
    }
}

static void whatever_goes_in_comes_out(void) {
    static const size_t counts[] = { 0, 1, 7, 8, 9, 63, 64, 65, 300, SAMPLE_SERIES_MAX };
    static int64_t values[SAMPLE_SERIES_MAX];
    uint64_t state = 88172645463325252;

    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct sample_chain *in = sample_chain_new(counts[c]);
        struct sample_chain *out = sample_chain_new(counts[c]);
        struct buf packed = { 0 };

        for (int row = 0; row < 50; row++) {
            uint64_t time_ms = row % 10 == 9 ? next_random(&state) : (uint64_t)row * 1000;
            for (size_t i = 0; i < counts[c]; i++)
                values[i] = random_value(&state, values[i]);
            buf_clear(&packed);
            sample_encode(in, time_ms, values, &packed);

            struct slice bytes = buf_slice(&packed);
            CHECK_INT(sample_decode(out, &bytes), 0);
            CHECK_INT(bytes.len, 0);
            CHECK(sample_chain_time_ms(out) == time_ms);
            CHECK(memcmp(sample_chain_values(out), values, counts[c] * 8) == 0);
        }
        buf_done(&packed);
        sample_chain_free(in);
        sample_chain_free(out);
    }
}

static size_t row_len(struct sample_chain *in,
                      struct sample_chain *out,
                      uint64_t time_ms,
                      const int64_t *values) {
    struct buf packed = { 0 };

    sample_encode(in, time_ms, values, &packed);
    size_t len = packed.len;
    struct slice bytes = buf_slice(&packed);
    CHECK_INT(sample_decode(out, &bytes), 0);
    CHECK_INT(bytes.len, 0);
    CHECK(memcmp(sample_chain_values(out), values, sample_chain_count(out) * 8) == 0);
    buf_done(&packed);
    return len;
}

static void followers_cost_nothing_while_they_follow(void) {
    static const char *const names[] = { "a",        "a:x",           "b",   "b:x", "b:y",
                                         "mem.used", "mem.available", "c:x", "c",   "d" };
    enum { A, AX, B, BX, BY, USED, AVAILABLE, CX, C, D, COUNT };
    int64_t row[COUNT] = { 5, 5, 6, 3, 3, 700, 300, 1, 1, 9 };
    struct sample_chain *in = sample_chain_new(COUNT), *out = sample_chain_new(COUNT);

    sample_chain_pair(in, names);
    sample_chain_pair(out, names);
    row_len(in, out, 1000, row);
    row_len(in, out, 2000, row);
    CHECK_INT(row_len(in, out, 3000, row), 2);
    row[USED] += 20;
    row[AVAILABLE] -= 20;
    CHECK_INT(row_len(in, out, 4000, row), 4); /* step, top, mask and one value */
    row[B]++;
    row[BX]++;
    CHECK_INT(row_len(in, out, 5000, row), 5); /* b has two: none of them follows */
    row[C]++;
    row[CX]++;
    CHECK_INT(row_len(in, out, 6000, row), 6); /* a leader must come first */
    row[USED] = SAMPLE_ABSENT;
    row_len(in, out, 7000, row);
    row[AVAILABLE] = INT64_MAX;
    row_len(in, out, 8000, row);
    row[USED] = INT64_MIN + 1;
    row_len(in, out, 9000, row);
    sample_chain_free(in);
    sample_chain_free(out);
}

static void the_only_one_follows_its_sum(void) {
    static const char *const names[] = { "net.rx", "net.rx:eth0" };
    struct sample_chain *in = sample_chain_new(2), *out = sample_chain_new(2);
    uint64_t state = 7;
    int64_t row[2] = { 0, 0 };

    sample_chain_pair(in, names);
    sample_chain_pair(out, names);
    for (uint64_t i = 0; i < 2000; i++) {
        row[0] = random_value(&state, row[0]);
        row[1] = i % 3 ? row[0] : random_value(&state, row[1]);
        row_len(in, out, i, row);
    }
    CHECK(row_len(in, out, 1, (int64_t[]) { 1, 1 }) > 0);
    row_len(in, out, 2, (int64_t[]) { 1, 1 });
    CHECK_INT(row_len(in, out, 3, (int64_t[]) { 9, 9 }), 4);
    sample_chain_free(in);
    sample_chain_free(out);
}

static void rows_follow_each_other_without_frames(void) {
    struct sample_chain *in = sample_chain_new(3), *out = sample_chain_new(3);
    struct buf packed = { 0 };

    for (int64_t row = 0; row < 5; row++)
        sample_encode(in, 100, (int64_t[]) { row, SAMPLE_ABSENT, -row * 1000 }, &packed);
    struct slice bytes = buf_slice(&packed);
    for (int64_t row = 0; row < 5; row++) {
        CHECK_INT(sample_decode(out, &bytes), 0);
        CHECK(sample_chain_values(out)[0] == row);
        CHECK(sample_chain_values(out)[1] == SAMPLE_ABSENT);
        CHECK(sample_chain_values(out)[2] == -row * 1000);
    }
    CHECK_INT(bytes.len, 0);
    buf_done(&packed);
    sample_chain_free(in);
    sample_chain_free(out);
}

static void a_quiet_row_is_two_bytes(void) {
    struct sample_chain *in = sample_chain_new(40);
    static int64_t values[40] = { 5, 6, 7 };
    struct buf packed = { 0 };

    sample_encode(in, 1000, values, &packed);
    sample_encode(in, 2000, values, &packed);
    buf_clear(&packed);
    sample_encode(in, 3000, values, &packed);
    CHECK_INT(packed.len, 2);
    buf_done(&packed);
    sample_chain_free(in);
}

static void every_truncation_is_refused_for_good(void) {
    struct sample_chain *in = sample_chain_new(20);
    int64_t values[20];
    struct buf packed = { 0 };

    for (int64_t i = 0; i < 20; i++)
        values[i] = i % 3 ? i * 1000003 : SAMPLE_ABSENT;
    sample_encode(in, 123456789, values, &packed);
    for (size_t len = 0; len < packed.len; len++) {
        struct sample_chain *out = sample_chain_new(20);
        struct slice bytes = slice_of(packed.data, len);
        CHECK_INT(sample_decode(out, &bytes), SAMPLE_E_DAMAGED);
        bytes = buf_slice(&packed);
        CHECK_INT(sample_decode(out, &bytes), SAMPLE_E_DAMAGED);
        sample_chain_reset(out);
        CHECK_INT(sample_decode(out, &bytes), 0);
        sample_chain_free(out);
    }
    buf_done(&packed);
    sample_chain_free(in);
}

static void hostile_rows_are_refused(void) {
#define FF9 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
    static const struct {
        const char *what;
        size_t count, len;
        uint8_t bytes[24];
    } rows[] = {
        { "a varint of 11 bytes", 1, 12, { FF9, 0xff, 0x01, 0 } },
        { "a varint past 64 bits", 1, 11, { FF9, 0x02, 0 } },
        { "a varint longer than needed", 1, 3, { 0x80, 0x00, 0 } },
        { "a group that is not there", 8, 3, { 0, 0x02, 0x01 } },
        { "an empty group that is announced", 8, 3, { 0, 0x01, 0x00 } },
        { "a series that is not there", 3, 4, { 0, 0x01, 0x08, 2 } },
        { "the absent value by its number", 1, 13, { 0, 1, 1, FF9, 0x01 } },
        { "no groups at all, yet a bit", 0, 0, { 0 } },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sample_chain *chain = sample_chain_new(rows[i].count);
        struct slice bytes = slice_of(rows[i].bytes, rows[i].len);
        int r = sample_decode(chain, &bytes);
        if (r != SAMPLE_E_DAMAGED)
            print_message("accepted: %s\n", rows[i].what);
        CHECK_INT(r, SAMPLE_E_DAMAGED);
        sample_chain_free(chain);
    }
}

TESTS(TEST(whatever_goes_in_comes_out),
      TEST(followers_cost_nothing_while_they_follow),
      TEST(the_only_one_follows_its_sum),
      TEST(rows_follow_each_other_without_frames),
      TEST(a_quiet_row_is_two_bytes),
      TEST(every_truncation_is_refused_for_good),
      TEST(hostile_rows_are_refused))
