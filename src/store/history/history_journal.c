#include "store/history/history_journal.h"

#include "base/checksum.h"
#include "base/crypto.h"
#include "store/history/history_bytes.h"

enum { FORMAT = 1, SUM_LEN = 8 };

void history_journal_begin(struct buf *out) {
    buf_add_byte(out, FORMAT);
}

void history_journal_add(struct buf *out, const struct history_entry *entry) {
    varint_add(out, (uint64_t)entry->node);
    varint_add(out, entry->first_position);
    varint_add(out, entry->rows);
    history_bytes_add_fixed(out, entry->epoch);
    varint_add(out, entry->first_seq);
    varint_add(out, entry->last_seq);
    buf_add_byte(out, entry->catalogue.len > 0);
    buf_add_slice(out, entry->catalogue);
    history_bytes_add_part(out, entry->bytes);
}

void history_journal_end(struct buf *out) {
    history_bytes_add_fixed(out, checksum_xxh64(buf_slice(out)));
}

bool history_journal_open(struct slice *bytes) {
    if (bytes->len < 1 + SUM_LEN || bytes->at[0] != FORMAT)
        return false;
    struct slice body = slice_of(bytes->at, bytes->len - SUM_LEN);
    struct slice tail = slice_after(*bytes, body.len);
    uint64_t sum;
    if (!history_bytes_take_fixed(&tail, &sum) || sum != checksum_xxh64(body))
        return false;
    *bytes = slice_after(body, 1);
    return true;
}

static bool take_catalogue(struct slice *bytes, struct slice *ret_catalogue) {
    struct slice begins;
    if (!history_bytes_take(bytes, 1, &begins) || begins.at[0] > 1)
        return false;
    return history_bytes_take(bytes, begins.at[0] ? CRYPTO_SHA256_LEN : 0, ret_catalogue);
}

bool history_journal_next(struct slice *bytes, struct history_entry *ret_entry) {
    struct history_entry entry;
    struct slice rest = *bytes;
    uint64_t node;

    if (!varint_take(&rest, &node) || node > INT64_MAX ||
        !varint_take(&rest, &entry.first_position) || !varint_take(&rest, &entry.rows) ||
        !history_bytes_take_fixed(&rest, &entry.epoch) ||
        !varint_take(&rest, &entry.first_seq) || !varint_take(&rest, &entry.last_seq) ||
        !take_catalogue(&rest, &entry.catalogue) ||
        !history_bytes_take_part(&rest, &entry.bytes))
        return false;
    entry.node = (int64_t)node;
    *bytes = rest;
    *ret_entry = entry;
    return true;
}
