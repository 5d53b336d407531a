#include "agent/acts/ledger_record.h"

#include <string.h>

#include "base/checksum.h"
#include "base/varint.h"

enum {
    MARK_LEN = 4,
    HEAD_LEN = MARK_LEN + 4 + 8, /* and length, and checksum of both length and body */
    SUMMED_FROM = MARK_LEN + 8,  /* where the checksum is behind: the length follows it */
    IS_CUT = 1,
};

static const uint8_t mark[MARK_LEN] = { 'r', 'A', 'c', '1' };

static void put_number(uint8_t *at, uint64_t number, size_t len) {
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

static uint64_t get_number(const uint8_t *at, size_t len) {
    uint64_t number = 0;

    for (size_t i = 0; i < len; i++)
        number |= (uint64_t)at[i] << 8 * i;
    return number;
}

static void add_bytes(struct buf *out, struct slice bytes, size_t max) {
    size_t len = bytes.len < max ? bytes.len : max;

    varint_add(out, len);
    buf_add_slice(out, slice_of(bytes.at, len));
}

/* The head is mark, checksum, length, so that the sum covers all that follows it. */
void ledger_record_pack(const struct ledger_record *record, struct buf *out) {
    bool is_cut = record->is_cut || record->response.len > LEDGER_RECORD_RESPONSE_MAX;
    size_t start = out->len;
    uint8_t head[HEAD_LEN] = { 0 };

    memcpy(head, mark, MARK_LEN);
    buf_add(out, head, HEAD_LEN);
    add_bytes(out, record->id, LEDGER_RECORD_ID_MAX);
    add_bytes(out, record->method, LEDGER_RECORD_TEXT_MAX);
    add_bytes(out, record->user, LEDGER_RECORD_TEXT_MAX);
    add_bytes(out, record->what, LEDGER_RECORD_TEXT_MAX);
    buf_add(out, record->request, CRYPTO_SHA256_LEN);
    varint_add(out, varint_zigzag((uint64_t)record->begun_ms));
    varint_add(out, varint_zigzag((uint64_t)record->ended_ms));
    varint_add(out, record->status);
    varint_add(out, is_cut ? IS_CUT : 0);
    add_bytes(out, record->message, LEDGER_RECORD_TEXT_MAX);
    add_bytes(out, is_cut ? slice_of(NULL, 0) : record->response,
              LEDGER_RECORD_RESPONSE_MAX);

    uint8_t *at = out->data + start;
    put_number(at + SUMMED_FROM, out->len - start - HEAD_LEN, 4);
    uint64_t sum =
        checksum_xxh64(slice_of(at + SUMMED_FROM, out->len - start - SUMMED_FROM));
    put_number(at + MARK_LEN, sum, 8);
}

static bool take_bytes(struct slice *rest, size_t max, struct slice *ret_bytes) {
    uint64_t len;

    if (!varint_take(rest, &len) || len > max || len > rest->len)
        return false;
    *ret_bytes = slice_of(rest->at, (size_t)len);
    *rest = slice_after(*rest, (size_t)len);
    return true;
}

static bool take_digest(struct slice *rest, uint8_t *ret_digest) {
    if (rest->len < CRYPTO_SHA256_LEN)
        return false;
    memcpy(ret_digest, rest->at, CRYPTO_SHA256_LEN);
    *rest = slice_after(*rest, CRYPTO_SHA256_LEN);
    return true;
}

static bool take_time(struct slice *rest, int64_t *ret_ms) {
    uint64_t code;

    if (!varint_take(rest, &code))
        return false;
    *ret_ms = (int64_t)varint_unzigzag(code);
    return true;
}

static bool read_body(struct slice rest, struct ledger_record *ret_record) {
    struct ledger_record read;
    uint64_t flags;

    if (!take_bytes(&rest, LEDGER_RECORD_ID_MAX, &read.id) ||
        !take_bytes(&rest, LEDGER_RECORD_TEXT_MAX, &read.method) ||
        !take_bytes(&rest, LEDGER_RECORD_TEXT_MAX, &read.user) ||
        !take_bytes(&rest, LEDGER_RECORD_TEXT_MAX, &read.what) ||
        !take_digest(&rest, read.request) || !take_time(&rest, &read.begun_ms) ||
        !take_time(&rest, &read.ended_ms) || !varint_take(&rest, &read.status) ||
        !varint_take(&rest, &flags) ||
        !take_bytes(&rest, LEDGER_RECORD_TEXT_MAX, &read.message) ||
        !take_bytes(&rest, LEDGER_RECORD_RESPONSE_MAX, &read.response) || rest.len > 0)
        return false;
    read.is_cut = (flags & IS_CUT) != 0;
    *ret_record = read;
    return true;
}

/* The length of the whole record at the front; 0: there is none. */
static size_t read_record(struct slice bytes, struct ledger_record *ret_record) {
    if (bytes.len < HEAD_LEN || memcmp(bytes.at, mark, MARK_LEN) != 0)
        return 0;
    uint64_t body_len = get_number(bytes.at + SUMMED_FROM, 4);
    if (body_len > LEDGER_RECORD_MAX || body_len > bytes.len - HEAD_LEN)
        return 0;
    size_t len = HEAD_LEN + (size_t)body_len;
    uint64_t sum = checksum_xxh64(slice_of(bytes.at + SUMMED_FROM, len - SUMMED_FROM));
    if (sum != get_number(bytes.at + MARK_LEN, 8) ||
        !read_body(slice_of(bytes.at + HEAD_LEN, (size_t)body_len), ret_record))
        return 0;
    return len;
}

bool ledger_record_next(struct slice bytes,
                        size_t *at,
                        struct ledger_record *ret_record,
                        size_t *ret_start) {
    size_t start = *at;

    while (start < bytes.len) {
        const uint8_t *found = memchr(bytes.at + start, mark[0], bytes.len - start);
        if (!found)
            return false;
        start = (size_t)(found - bytes.at);
        size_t len = read_record(slice_after(bytes, start), ret_record);
        if (len > 0) {
            *ret_start = start;
            *at = start + len;
            return true;
        }
        start++;
    }
    return false;
}
