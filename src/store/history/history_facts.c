#include "store/history/history_facts.h"

#include <string.h>

#include "store/history/history_bytes.h"
#include "store/store.h"

uint64_t history_facts_last(const struct history_facts *facts, uint64_t epoch) {
    for (size_t i = 0; i < facts->epoch_count; i++)
        if (facts->epochs[i].epoch == epoch)
            return facts->epochs[i].seq;
    return 0;
}

/* Makes the first place free, over the one at the given place or else the oldest. */
static void shift_epochs(struct history_facts *facts, size_t place) {
    if (place == facts->epoch_count && place < HISTORY_FACTS_EPOCHS)
        facts->epoch_count++;
    else if (place == HISTORY_FACTS_EPOCHS)
        place--;
    memmove(&facts->epochs[1], &facts->epochs[0], place * sizeof(facts->epochs[0]));
}

void history_facts_turn(struct history_facts *facts,
                        struct history_cursor current,
                        uint64_t epoch) {
    size_t place = 0;
    while (place < facts->epoch_count && facts->epochs[place].epoch != epoch)
        place++;
    shift_epochs(facts, place);
    facts->epochs[0] = current;
}

static size_t find_boot(const struct history_facts *facts, const uint8_t *id) {
    size_t place = 0;
    while (place < facts->boot_count &&
           memcmp(facts->boots[place].id, id, HISTORY_BOOT_LEN) != 0)
        place++;
    return place;
}

bool history_facts_boot(const struct history_facts *facts,
                        const uint8_t id[static HISTORY_BOOT_LEN],
                        int64_t *ret_offset_ms) {
    size_t place = find_boot(facts, id);
    if (place == facts->boot_count)
        return false;
    *ret_offset_ms = facts->boots[place].offset_ms;
    return true;
}

bool history_facts_set_boot(struct history_facts *facts,
                            const uint8_t id[static HISTORY_BOOT_LEN],
                            int64_t offset_ms) {
    size_t place = find_boot(facts, id);
    if (place < facts->boot_count && facts->boots[place].offset_ms == offset_ms)
        return false;
    if (place == facts->boot_count && place < HISTORY_FACTS_BOOTS)
        facts->boot_count++;
    else if (place == HISTORY_FACTS_BOOTS)
        place--;
    memmove(&facts->boots[1], &facts->boots[0], place * sizeof(facts->boots[0]));
    memcpy(facts->boots[0].id, id, HISTORY_BOOT_LEN);
    facts->boots[0].offset_ms = offset_ms;
    return true;
}

void history_facts_write(const struct history_facts *facts, struct buf *out) {
    if (facts->epoch_count == 0 && facts->boot_count == 0)
        return;
    varint_add(out, facts->epoch_count);
    for (size_t i = 0; i < facts->epoch_count; i++) {
        history_bytes_add_fixed(out, facts->epochs[i].epoch);
        history_bytes_add_fixed(out, facts->epochs[i].seq);
    }
    varint_add(out, facts->boot_count);
    for (size_t i = 0; i < facts->boot_count; i++) {
        buf_add(out, facts->boots[i].id, HISTORY_BOOT_LEN);
        history_bytes_add_fixed(out, (uint64_t)facts->boots[i].offset_ms);
    }
}

static bool take_epochs(struct slice *bytes, struct history_facts *facts) {
    uint64_t count;
    if (!varint_take(bytes, &count) || count > HISTORY_FACTS_EPOCHS)
        return false;
    facts->epoch_count = (size_t)count;
    for (size_t i = 0; i < count; i++)
        if (!history_bytes_take_fixed(bytes, &facts->epochs[i].epoch) ||
            !history_bytes_take_fixed(bytes, &facts->epochs[i].seq))
            return false;
    return true;
}

static bool take_boots(struct slice *bytes, struct history_facts *facts) {
    uint64_t count, offset;
    struct slice id;
    if (!varint_take(bytes, &count) || count > HISTORY_FACTS_BOOTS)
        return false;
    facts->boot_count = (size_t)count;
    for (size_t i = 0; i < count; i++) {
        if (!history_bytes_take(bytes, HISTORY_BOOT_LEN, &id) ||
            !history_bytes_take_fixed(bytes, &offset))
            return false;
        memcpy(facts->boots[i].id, id.at, HISTORY_BOOT_LEN);
        facts->boots[i].offset_ms = (int64_t)offset;
    }
    return true;
}

int history_facts_read(struct slice bytes, struct history_facts *ret_facts) {
    struct history_facts facts = { 0 };
    if (bytes.len > 0 &&
        (!take_epochs(&bytes, &facts) || !take_boots(&bytes, &facts) || bytes.len > 0))
        return STORE_E_DAMAGED;
    *ret_facts = facts;
    return 0;
}
