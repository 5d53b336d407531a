#include "store/history/history_facts.h"

#include "base/buf.h"
#include "base/check.h"

static void the_oldest_of_many_epochs_and_boots_goes(void) {
    struct history_facts facts = { 0 }, again;
    struct buf bytes = { 0 };
    uint8_t id[HISTORY_BOOT_LEN] = { 0 };
    int64_t offset_ms;

    for (uint64_t epoch = 1; epoch <= 20; epoch++)
        history_facts_turn(&facts, (struct history_cursor) { epoch, 100 + epoch },
                           epoch + 1);
    for (id[0] = 1; id[0] <= 20; id[0]++)
        CHECK(history_facts_set_boot(&facts, id, id[0]));
    id[0] = 20;
    CHECK(!history_facts_set_boot(&facts, id, 20));
    history_facts_write(&facts, &bytes);
    for (size_t len = 1; len < bytes.len; len++)
        CHECK(history_facts_read(slice_of(bytes.data, len), &again) != 0);
    CHECK_INT(history_facts_read(buf_slice(&bytes), &again), 0);
    CHECK_INT(memcmp(&facts, &again, sizeof(facts)), 0);
    CHECK_INT(history_facts_last(&again, 4), 0);
    CHECK_INT(history_facts_last(&again, 5), 105);
    CHECK_INT(history_facts_last(&again, 20), 120);
    id[0] = 12;
    CHECK(!history_facts_boot(&again, id, &offset_ms));
    id[0] = 13;
    CHECK(history_facts_boot(&again, id, &offset_ms));
    buf_done(&bytes);
}

TESTS(TEST(the_oldest_of_many_epochs_and_boots_goes))
