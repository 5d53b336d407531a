#include "agent/spool/spool_segment.h"

#include <stdlib.h>
#include <string.h>

#include "agent/collect/sampler.h"
#include "base/buf.h"
#include "base/checksum.h"
#include "base/mem.h"
#include "wire/sample.h"

static const uint8_t head[SPOOL_SEGMENT_HEAD_LEN] = "roostsp1";

enum {
    RECORD_HEAD_LEN = 8, /* length and checksum */
    ERA_LEN = 8 + SPOOL_BOOT_ID_LEN + 4 + 8 + 8,
    SERIES_LEN_MIN = 3, /* a scale and two empty texts */
};

static void put(struct buf *out, uint64_t value, size_t len) {
    for (size_t i = 0; i < len; i++)
        buf_add_byte(out, (uint8_t)(value >> 8 * i));
}

static uint64_t get(const uint8_t *at, size_t len) {
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

static uint32_t sum(struct slice body) {
    return (uint32_t)checksum_xxh64(body);
}

/* Begins a record; returns where, for end_record(). */
static size_t begin_record(struct buf *out, enum spool_segment_kind kind) {
    size_t at = out->len;

    put(out, 0, RECORD_HEAD_LEN);
    buf_add_byte(out, (uint8_t)kind);
    return at;
}

static void end_record(struct buf *out, size_t at) {
    struct slice body =
        slice_of(out->data + at + RECORD_HEAD_LEN, out->len - at - RECORD_HEAD_LEN);
    uint64_t numbers = (uint64_t)sum(body) << 32 | (uint32_t)body.len;

    for (size_t i = 0; i < RECORD_HEAD_LEN; i++)
        out->data[at + i] = (uint8_t)(numbers >> 8 * i);
}

void spool_segment_add_head(struct buf *out) {
    buf_add(out, head, sizeof(head));
}

void spool_segment_add_era(struct buf *out,
                           const struct spool_start *start,
                           const struct spool_anchor *anchor) {
    size_t at = begin_record(out, SPOOL_SEGMENT_ERA);

    put(out, start->epoch, 8);
    buf_add(out, start->boot_id, sizeof(start->boot_id));
    put(out, start->interval_ms, 4);
    put(out, anchor->boot_ms, 8);
    put(out, (uint64_t)anchor->wall_ms, 8);
    end_record(out, at);
}

void spool_segment_add_catalogue(struct buf *out,
                                 const struct metric_info *series,
                                 size_t count) {
    size_t at = begin_record(out, SPOOL_SEGMENT_CATALOGUE);

    put(out, count, 2);
    for (size_t i = 0; i < count; i++) {
        buf_add_byte(out, series[i].scale);
        buf_add(out, series[i].name, strlen(series[i].name) + 1);
        buf_add(out, series[i].unit, strlen(series[i].unit) + 1);
    }
    end_record(out, at);
}

void spool_segment_add_block(struct buf *out, uint64_t first_seq) {
    size_t at = begin_record(out, SPOOL_SEGMENT_BLOCK);

    put(out, first_seq, 8);
    end_record(out, at);
}

void spool_segment_add_rows(struct buf *out, struct slice rows) {
    size_t at = begin_record(out, SPOOL_SEGMENT_ROWS);

    buf_add_slice(out, rows);
    end_record(out, at);
}

void spool_segment_add_durable(struct buf *out, struct spool_cursor cursor) {
    size_t at = begin_record(out, SPOOL_SEGMENT_DURABLE);

    put(out, cursor.epoch, 8);
    put(out, cursor.seq, 8);
    end_record(out, at);
}

int spool_segment_read_head(struct slice *bytes) {
    if (bytes->len < sizeof(head))
        return SPOOL_SEGMENT_E_TORN;
    if (memcmp(bytes->at, head, sizeof(head)) != 0)
        return SPOOL_SEGMENT_E_DAMAGED;
    *bytes = slice_after(*bytes, sizeof(head));
    return 0;
}

static int read_era(struct slice body, struct spool_segment_record *record) {
    const uint8_t *at = body.at;

    if (body.len != ERA_LEN)
        return SPOOL_SEGMENT_E_DAMAGED;
    record->start.epoch = get(at, 8);
    memcpy(record->start.boot_id, at + 8, SPOOL_BOOT_ID_LEN);
    at += 8 + SPOOL_BOOT_ID_LEN;
    record->start.interval_ms = (uint32_t)get(at, 4);
    record->anchor.boot_ms = get(at + 4, 8);
    record->anchor.wall_ms = (int64_t)get(at + 12, 8);
    return 0;
}

static int read_numbers(struct slice body, size_t count, uint64_t *ret_numbers) {
    if (body.len != count * 8)
        return SPOOL_SEGMENT_E_DAMAGED;
    for (size_t i = 0; i < count; i++)
        ret_numbers[i] = get(body.at + 8 * i, 8);
    return 0;
}

static int read_body(struct slice body, struct spool_segment_record *record) {
    struct slice rest = slice_after(body, 1);
    uint64_t numbers[2];
    int r;

    record->kind = (enum spool_segment_kind)body.at[0];
    switch (record->kind) {
    case SPOOL_SEGMENT_ERA:
        return read_era(rest, record);
    case SPOOL_SEGMENT_CATALOGUE:
        record->catalogue = rest;
        return 0;
    case SPOOL_SEGMENT_BLOCK:
        return read_numbers(rest, 1, &record->seq);
    case SPOOL_SEGMENT_ROWS:
        record->rows = rest;
        return 0;
    case SPOOL_SEGMENT_DURABLE:
        r = read_numbers(rest, 2, numbers);
        if (r == 0)
            record->durable =
                (struct spool_cursor) { .epoch = numbers[0], .seq = numbers[1] };
        return r;
    }
    return SPOOL_SEGMENT_E_DAMAGED;
}

int spool_segment_next(struct slice *bytes, struct spool_segment_record *ret_record) {
    struct spool_segment_record record = { 0 };

    if (bytes->len == 0)
        return SPOOL_SEGMENT_E_END;
    if (bytes->len < RECORD_HEAD_LEN)
        return SPOOL_SEGMENT_E_TORN;
    size_t len = (size_t)get(bytes->at, 4);
    if (len > bytes->len - RECORD_HEAD_LEN)
        return SPOOL_SEGMENT_E_TORN;
    struct slice body = slice_of(bytes->at + RECORD_HEAD_LEN, len);
    if (len == 0 || sum(body) != get(bytes->at + 4, 4))
        return SPOOL_SEGMENT_E_DAMAGED;
    int r = read_body(body, &record);
    if (r != 0)
        return r;
    *bytes = slice_after(*bytes, RECORD_HEAD_LEN + len);
    *ret_record = record;
    return 0;
}

/* Takes a text with its NUL off the front; NULL when there is none. */
static char *take_text(struct slice *bytes) {
    const uint8_t *end = bytes->len > 0 ? memchr(bytes->at, 0, bytes->len) : NULL;

    if (!end)
        return NULL;
    char *text = (char *)(uintptr_t)bytes->at; /* lent; nobody writes to it */
    *bytes = slice_after(*bytes, (size_t)(end - bytes->at) + 1);
    return text;
}

int spool_segment_read_catalogue(struct slice catalogue,
                                 struct metric_info **ret_series,
                                 size_t *ret_count) {
    if (catalogue.len < 2)
        return SPOOL_SEGMENT_E_DAMAGED;
    size_t count = (size_t)get(catalogue.at, 2);
    struct slice rest = slice_after(catalogue, 2);
    if (count > SAMPLE_SERIES_MAX || rest.len < count * SERIES_LEN_MIN)
        return SPOOL_SEGMENT_E_DAMAGED;
    struct metric_info *series = mem_new_array(count + 1, sizeof(*series));
    for (size_t i = 0; i < count; i++) {
        if (rest.len > 0) {
            series[i].scale = rest.at[0];
            rest = slice_after(rest, 1);
        }
        series[i].name = take_text(&rest);
        series[i].unit = take_text(&rest);
        if (!series[i].name || !series[i].unit) {
            free(series);
            return SPOOL_SEGMENT_E_DAMAGED;
        }
    }
    if (rest.len > 0) {
        free(series);
        return SPOOL_SEGMENT_E_DAMAGED;
    }
    *ret_series = series;
    *ret_count = count;
    return 0;
}
