#include "store/history/history_journal.h"

#include "base/buf.h"
#include "base/check.h"

/* Whatever is cut off or changed of a journal row is noticed. */
static void a_journal_row_is_whole_or_none(void) {
    static const uint8_t hash[32] = { 1, 2, 3 };
    const struct history_entry wanted = {
        300, 1000, 2, UINT64_MAX, 5, 6, slice_of(hash, 32), slice_of("rows", 4)
    };
    struct history_entry got;
    struct buf row = { 0 };

    history_journal_begin(&row);
    for (int i = 0; i < 3; i++)
        history_journal_add(&row, &wanted);
    history_journal_end(&row);
    for (size_t len = 0; len < row.len; len++) {
        struct slice cut = slice_of(row.data, len);
        CHECK(!history_journal_open(&cut));
        row.data[len] ^= 1;
        struct slice changed = buf_slice(&row);
        CHECK(!history_journal_open(&changed));
        row.data[len] ^= 1;
    }
    struct slice rest = buf_slice(&row);
    CHECK(history_journal_open(&rest));
    for (size_t len = 1; len < rest.len / 3; len++) {
        struct slice cut = slice_of(rest.at, len);
        CHECK(!history_journal_next(&cut, &got));
        CHECK_INT(cut.len, len);
    }
    for (int i = 0; i < 3; i++) {
        CHECK(history_journal_next(&rest, &got));
        CHECK_INT(got.node, 300);
        CHECK_INT(got.first_position, 1000);
        CHECK_INT(got.rows, 2);
        CHECK(got.epoch == UINT64_MAX);
        CHECK_INT(got.first_seq, 5);
        CHECK_INT(got.last_seq, 6);
        CHECK(slice_equal(got.catalogue, wanted.catalogue));
        CHECK(slice_equal(got.bytes, wanted.bytes));
    }
    CHECK_INT(rest.len, 0);
    buf_done(&row);
}

TESTS(TEST(a_journal_row_is_whole_or_none))
