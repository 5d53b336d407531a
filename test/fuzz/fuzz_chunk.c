#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/checksum.h"
#include "base/mem.h"
#include "store/chunk/chunk.h"
#include "wire/sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { NUMBERS_MAX = 512, ROWS_READ_MAX = 1 << 16, PLACES_READ_MAX = 8 };

/* Whatever is written must come back. */
static void write_and_read(struct chunk_codec *codec, struct slice numbers) {
    int64_t values[NUMBERS_MAX], again[NUMBERS_MAX], times[NUMBERS_MAX] = { 0 };
    size_t count = numbers.len / sizeof(*values);
    const int64_t *columns[] = { values };
    struct buf bytes = { 0 };
    struct chunk chunk;

    count = count < NUMBERS_MAX ? count : NUMBERS_MAX;
    if (count > 0)
        memcpy(values, numbers.at, count * sizeof(*values));
    for (size_t i = 1; i < count; i++) /* any gaps, as long as times rise */
        times[i] = times[i - 1] + (values[i] & INT32_MAX);
    chunk_write_values(codec, times, count, (uint32_t[]) { 7 }, columns, 1, &bytes);
    if (chunk_open(buf_slice(&bytes), &chunk) != 0 || chunk_find(&chunk, 7) != 0)
        abort();
    if (chunk_read_times(codec, &chunk, again) != 0 ||
        memcmp(again, times, count * sizeof(*again)) != 0)
        abort();
    if (chunk_read_values(codec, &chunk, 0, again) != 0 ||
        memcmp(again, values, count * sizeof(*again)) != 0)
        abort();
    buf_done(&bytes);
}

/* The input is a chunk but for its checksum. */
static void read_anything(struct chunk_codec *codec, struct slice input) {
    struct buf bytes = { 0 };
    struct chunk chunk;

    buf_add_slice(&bytes, input);
    uint32_t sum = (uint32_t)checksum_xxh64(input);
    buf_add(&bytes, &sum, sizeof(sum));
    if (chunk_open(buf_slice(&bytes), &chunk) == 0 && chunk.count <= ROWS_READ_MAX) {
        int64_t *values = mem_new_array(chunk.count + 1, sizeof(*values));
        struct tier_bucket *buckets = mem_new_array(chunk.count + 1, sizeof(*buckets));
        chunk_read_times(codec, &chunk, values);
        for (size_t i = 0; i < chunk.series_count && i < PLACES_READ_MAX; i++) {
            chunk_read_values(codec, &chunk, i, values);
            chunk_read_buckets(codec, &chunk, i, buckets);
            if (chunk_find(&chunk, chunk_series(&chunk, i)) != i)
                abort();
        }
        free(values);
        free(buckets);
    }
    buf_done(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct chunk_codec *codec = chunk_codec_new();

    if (len > 0 && data[0] == 'w')
        write_and_read(codec, slice_of(data + 1, len - 1));
    else
        read_anything(codec, slice_of(data, len));
    chunk_codec_free(codec);
    return 0;
}
