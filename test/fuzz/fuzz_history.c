#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/checksum.h"
#include "store/history/history_bytes.h"
#include "store/history/history_catalogue.h"
#include "store/history/history_facts.h"
#include "store/history/history_journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Entries of a journal row whose sum is right come out of what they are written to. */
static void read_journal(struct slice bytes) {
    struct buf row = { 0 }, again = { 0 };
    struct history_entry entry, twin;

    history_journal_begin(&row);
    buf_add_slice(&row, bytes);
    history_journal_end(&row);
    struct slice rest = buf_slice(&row);
    if (!history_journal_open(&rest))
        abort();
    while (history_journal_next(&rest, &entry)) {
        buf_clear(&again);
        history_journal_add(&again, &entry);
        struct slice one = buf_slice(&again);
        if (!history_journal_next(&one, &twin) || one.len > 0 ||
            twin.first_position != entry.first_position || twin.rows != entry.rows ||
            !slice_equal(twin.bytes, entry.bytes))
            abort();
    }
    buf_done(&row);
    buf_done(&again);
}

static void read_facts(struct slice bytes) {
    struct history_facts facts, twin;
    struct buf again = { 0 };

    if (history_facts_read(bytes, &facts) != 0)
        return;
    history_facts_write(&facts, &again);
    if (history_facts_read(buf_slice(&again), &twin) != 0 ||
        twin.epoch_count != facts.epoch_count || twin.boot_count != facts.boot_count)
        abort();
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (len == 0)
        return 0;
    struct slice bytes = slice_of(data + 1, len - 1);

    if (data[0] % 3 == 0)
        read_journal(bytes);
    else if (data[0] % 3 == 1)
        read_facts(bytes);
    else
        history_catalogue_release(history_catalogue_read(bytes));
    return 0;
}
