#include "store/chunk/chunk.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/mem.h"
#include "base/varint.h"
#include "store/chunk/chunk_column.h"
#include "store/chunk/chunk_internal.h"
#include "store/chunk/chunk_search.h"

struct chunk_codec *chunk_codec_new(void) {
    struct chunk_codec *codec = mem_new(sizeof(*codec));
    codec->column = chunk_column_new();
    codec->search = chunk_search_new();
    return codec;
}

struct chunk_codec *chunk_codec_free(struct chunk_codec *codec) {
    if (!codec)
        return NULL;
    chunk_column_free(codec->column);
    chunk_search_free(codec->search);
    for (size_t i = 0; i < CHUNK_BUCKET_COLUMNS; i++)
        free(codec->parts[i]);
    buf_done(&codec->bodies);
    buf_done(&codec->spans);
    buf_done(&codec->body);
    free(codec);
    return NULL;
}

void chunk_make_room(struct chunk_codec *codec, size_t count) {
    if (count <= codec->part_max)
        return;
    codec->part_max = count;
    for (size_t i = 0; i < CHUNK_BUCKET_COLUMNS; i++)
        codec->parts[i] = mem_grow(codec->parts[i], count * sizeof(**codec->parts));
}

static uint32_t read_number(const uint8_t *at, size_t width) {
    uint32_t number = 0;

    for (size_t i = 0; i < width; i++)
        number |= (uint32_t)at[i] << (8 * i);
    return number;
}

/* Where the parts of an open chunk, or one being opened, are. */
struct layout {
    size_t id_width;
    size_t end_width;
    const uint8_t *ids;
    const uint8_t *ends;
    struct slice columns;
};

/* False when the directory does not fit into the bytes. */
static bool lay_out(const struct chunk *chunk, struct layout *ret_layout) {
    uint8_t widths = chunk->bytes.at[chunk->directory - 1];
    struct layout layout = { .id_width = widths & 15, .end_width = widths >> 4 };
    size_t len = chunk->bytes.len - CHUNK_CHECKSUM_LEN - chunk->directory;

    if (layout.id_width > CHUNK_WIDTH_MAX || layout.end_width > CHUNK_WIDTH_MAX)
        return false;
    size_t ids_len = layout.id_width * chunk->series_count;
    size_t ends_len = layout.end_width * (chunk->series_count + 1);
    if (len < ids_len + ends_len)
        return false;
    layout.ids = chunk->bytes.at + chunk->directory;
    layout.ends = layout.ids + ids_len;
    layout.columns = slice_of(layout.ends + ends_len, len - ids_len - ends_len);
    *ret_layout = layout;
    return true;
}

/* Column 0 is that of the times. */
static struct slice column_at(const struct layout *layout, size_t column) {
    size_t width = layout->end_width;
    size_t begin = column ? read_number(layout->ends + width * (column - 1), width) : 0;
    size_t end = read_number(layout->ends + width * column, width);
    return slice_of(layout->columns.at + begin, end - begin);
}

struct slice chunk_column_bytes(const struct chunk *chunk, size_t column) {
    struct layout layout;
    return lay_out(chunk, &layout) ? column_at(&layout, column) : slice_of(NULL, 0);
}

static bool check_directory(const struct chunk *chunk) {
    struct layout layout;
    uint32_t id = 0, end = 0;

    if (!lay_out(chunk, &layout))
        return false;
    for (size_t i = 0; i < chunk->series_count; i++) {
        uint32_t next = read_number(layout.ids + i * layout.id_width, layout.id_width);
        if (i > 0 && next <= id)
            return false;
        id = next;
    }
    for (size_t i = 0; i <= chunk->series_count; i++) {
        uint32_t next = read_number(layout.ends + i * layout.end_width, layout.end_width);
        if (next < end)
            return false;
        end = next;
    }
    return end == layout.columns.len;
}

static bool check_sum(struct slice bytes) {
    size_t len = bytes.len - CHUNK_CHECKSUM_LEN;
    uint32_t sum = (uint32_t)checksum_xxh64(slice_of(bytes.at, len));
    return read_number(bytes.at + len, CHUNK_CHECKSUM_LEN) == sum;
}

static bool take_head(struct slice *rest, struct chunk *chunk) {
    uint64_t count, first, length, series;

    if (!varint_take(rest, &count) || !varint_take(rest, &first) ||
        !varint_take(rest, &length) || !varint_take(rest, &series))
        return false;
    first = varint_unzigzag(first);
    if (count > CHUNK_ROWS_MAX || series > CHUNK_SERIES_MAX ||
        length > (uint64_t)INT64_MAX - first)
        return false;
    chunk->count = count;
    chunk->series_count = series;
    chunk->first_ms = (int64_t)first;
    chunk->last_ms = (int64_t)(first + length);
    return true;
}

int chunk_open(struct slice bytes, struct chunk *ret_chunk) {
    struct chunk chunk = { .bytes = bytes };
    enum { SHORTEST = 2 + 4 + 1 + CHUNK_CHECKSUM_LEN };

    if (bytes.len < SHORTEST || bytes.at[0] != CHUNK_FORMAT ||
        bytes.at[1] > CHUNK_KIND_BUCKETS || !check_sum(bytes))
        return CHUNK_E_DAMAGED;
    struct slice rest = slice_of(bytes.at + 2, bytes.len - 2 - CHUNK_CHECKSUM_LEN);
    if (!take_head(&rest, &chunk) || rest.len < 1)
        return CHUNK_E_DAMAGED;
    chunk.directory = (size_t)(rest.at + 1 - bytes.at);
    if (!check_directory(&chunk))
        return CHUNK_E_DAMAGED;
    *ret_chunk = chunk;
    return 0;
}

uint32_t chunk_series(const struct chunk *chunk, size_t place) {
    size_t width = chunk->bytes.at[chunk->directory - 1] & 15;
    return read_number(chunk->bytes.at + chunk->directory + place * width, width);
}

size_t chunk_find(const struct chunk *chunk, uint32_t series) {
    size_t low = 0, high = chunk->series_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (chunk_series(chunk, middle) < series)
            low = middle + 1;
        else
            high = middle;
    }
    return low < chunk->series_count && chunk_series(chunk, low) == series
               ? low
               : chunk->series_count;
}
