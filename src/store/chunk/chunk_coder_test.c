#include "store/chunk/chunk_coder.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

enum { COUNT = 500 };

static void check_all_ways(const uint64_t *numbers, size_t count) {
    struct chunk_coder *coder = chunk_coder_new();
    uint64_t again[COUNT];

    for (unsigned way = 0; way < CHUNK_CODER_WAYS; way++) {
        struct buf bytes = { 0 };
        chunk_coder_encode(coder, way, numbers, count, &bytes);
        memset(again, 0xee, sizeof(again));
        CHECK(chunk_coder_decode(coder, way, buf_slice(&bytes), again, count));
        CHECK(count == 0 || memcmp(again, numbers, count * sizeof(*again)) == 0);
        buf_done(&bytes);
    }
    chunk_coder_free(coder);
}

static void numbers_of_each_length_come_back(void) {
    uint64_t numbers[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        uint64_t highest = (uint64_t)1 << i % 64;
        numbers[i] = i % 3 == 0 ? highest : i % 3 == 1 ? highest - 1 : highest * 2 - 1;
    }
    for (size_t count = 0; count <= COUNT; count += count < 10 ? 1 : 49)
        check_all_ways(numbers, count);
}

static void small_numbers_and_the_edges_of_symbols_come_back(void) {
    uint64_t numbers[COUNT];

    for (size_t i = 0; i < COUNT; i++)
        numbers[i] = i % 40;
    check_all_ways(numbers, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        numbers[i] = UINT64_MAX;
    check_all_ways(numbers, COUNT);
}

/* An estimate chooses between transforms: it has to be near what comes out. */
static void estimates_are_near_the_truth(void) {
    struct chunk_coder *coder = chunk_coder_new();
    uint64_t numbers[COUNT];
    uint32_t state = 9;

    for (unsigned bits = 0; bits < 24; bits++) {
        struct buf bytes = { 0 };
        unsigned way;
        for (size_t i = 0; i < COUNT; i++) {
            state = state * 1664525 + 1013904223;
            numbers[i] = state >> 8 & ((1U << bits) - 1);
        }
        double estimate = chunk_coder_estimate(numbers, COUNT, &way) / 8;
        chunk_coder_encode(coder, way, numbers, COUNT, &bytes);
        CHECK((double)bytes.len < estimate * 1.1 + 16);
        CHECK((double)bytes.len > estimate * 0.9 - 16);
        buf_done(&bytes);
    }
    chunk_coder_free(coder);
}

static void what_repeats_costs_next_to_nothing(void) {
    struct chunk_coder *coder = chunk_coder_new();
    uint64_t numbers[COUNT] = { 0 };
    struct buf bytes = { 0 };
    unsigned way;

    chunk_coder_estimate(numbers, COUNT, &way);
    chunk_coder_encode(coder, way, numbers, COUNT, &bytes);
    CHECK(bytes.len <= 8);
    buf_done(&bytes);
    chunk_coder_free(coder);
}

static void cut_changed_or_longer_bytes_are_refused(void) {
    struct chunk_coder *coder = chunk_coder_new();
    uint64_t numbers[COUNT], again[COUNT];
    struct buf bytes = { 0 };

    for (size_t i = 0; i < COUNT; i++)
        numbers[i] = i * i * i % 1001;
    chunk_coder_encode(coder, CHUNK_CODER_TOPS, numbers, COUNT, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        uint8_t *part = mem_dup(bytes.data, len); /* so that ASan sees its end */
        CHECK(!chunk_coder_decode(coder, CHUNK_CODER_TOPS, slice_of(part, len), again,
                                  COUNT));
        free(part);
    }
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        bool is_read =
            chunk_coder_decode(coder, CHUNK_CODER_TOPS, buf_slice(&bytes), again, COUNT);
        CHECK(!is_read || memcmp(numbers, again, sizeof(again)) != 0);
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_add_byte(&bytes, 0);
    CHECK(!chunk_coder_decode(coder, CHUNK_CODER_TOPS, buf_slice(&bytes), again, COUNT));
    CHECK(!chunk_coder_decode(coder, CHUNK_CODER_WAYS, buf_slice(&bytes), again, COUNT));
    buf_done(&bytes);
    chunk_coder_free(coder);
}

TESTS(TEST(numbers_of_each_length_come_back),
      TEST(small_numbers_and_the_edges_of_symbols_come_back),
      TEST(estimates_are_near_the_truth),
      TEST(what_repeats_costs_next_to_nothing),
      TEST(cut_changed_or_longer_bytes_are_refused))
