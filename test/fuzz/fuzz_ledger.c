/* Whatever is found in a ledger packs to the same, and is found again. */
#include <assert.h>

#include "agent/acts/ledger_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ledger_record record, again;
    size_t at = 0, start, end = 0;

    while (ledger_record_next(slice_of(data, size), &at, &record, &start)) {
        struct buf out = { 0 };
        size_t from = 0, found;
        assert(start >= end && at > start && at <= size);
        end = at;
        ledger_record_pack(&record, &out);
        assert(ledger_record_next(buf_slice(&out), &from, &again, &found));
        assert(found == 0 && from == out.len && slice_equal(record.id, again.id) &&
               record.ended_ms == again.ended_ms);
        buf_done(&out);
    }
    return 0;
}
