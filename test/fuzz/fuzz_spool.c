#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "agent/spool/spool_load.h"
#include "agent/spool/spool_parts.h"
#include "agent/spool/spool_reader.h"
#include "agent/spool/spool_segment.h"
#include "base/buf.h"
#include "base/checksum.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A segment whose records are right by length and checksum, whatever is in them: a byte
 * of length, then the body. */
static void cook(struct slice raw, struct buf *out) {
    spool_segment_add_head(out);
    while (raw.len > 0) {
        size_t len = raw.at[0];
        raw = slice_after(raw, 1);
        if (len > raw.len)
            len = raw.len;
        uint64_t sum = checksum_xxh64(slice_of(raw.at, len));
        uint8_t head[8] = { (uint8_t)len };
        for (size_t i = 0; i < 4; i++)
            head[4 + i] = (uint8_t)(sum >> 8 * i);
        buf_add(out, head, sizeof(head));
        buf_add(out, raw.at, len);
        raw = slice_after(raw, len);
    }
}

/* Everything there is, in order. */
static void read_all(struct spool *spool) {
    struct spool_reader *reader = spool_reader_new(spool, (struct spool_cursor) { 0 });
    uint64_t order = 0, seq = 0;
    struct spool_item item;

    for (unsigned i = 0; i < 10000 && spool_reader_next(reader, &item) == 0; i++) {
        if (!spool_is_before(order, seq, spool_era_order(item.era), item.first_seq) ||
            item.last_seq < item.first_seq)
            abort();
        order = spool_era_order(item.era);
        seq = item.last_seq;
    }
    spool_reader_free(reader);
}

/* However damaged a segment is, what it gives is in order. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct spool_config config = {
        .start = { .epoch = 1, .interval_ms = 1000 },
        .bytes_max = SPOOL_BYTES_MIN,
    };
    struct spool_load_place place;
    struct buf segment = { 0 };
    size_t good;

    log_set_level((enum log_level)0);
    if (len > 0 && data[0] & 1)
        cook(slice_of(data + 1, len - 1), &segment);
    else if (len > 0)
        buf_add(&segment, data + 1, len - 1);
    struct spool *spool = spool_new(&config);
    spool_load(spool, buf_slice(&segment), &place, &good);
    if (good > segment.len)
        abort();
    read_all(spool);
    spool_free(spool);
    buf_done(&segment);
    return 0;
}
