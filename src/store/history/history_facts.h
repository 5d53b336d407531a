/*
 * history_facts - what is remembered of a node beside its cursor
 *
 * The epochs before the current one, each with its last row, so that rows which are sent
 * again are known; and by how much the wall clock is ahead of each boot's clock. The
 * newest come first, and the oldest go when there are too many.
 */
#pragma once

#include "store/history/history.h"

struct buf;
struct slice;

enum {
    HISTORY_FACTS_EPOCHS = 16,
    HISTORY_FACTS_BOOTS = 8,
};

struct history_facts {
    struct history_cursor epochs[HISTORY_FACTS_EPOCHS];
    size_t epoch_count;
    struct history_boot {
        uint8_t id[HISTORY_BOOT_LEN];
        int64_t offset_ms;
    } boots[HISTORY_FACTS_BOOTS];
    size_t boot_count;
};

/* The last row of an epoch, 0 when nothing is known of it. */
uint64_t history_facts_last(const struct history_facts *facts, uint64_t epoch);

/* Another epoch begins, or goes on: the one that was current joins the past. */
void history_facts_turn(struct history_facts *facts,
                        struct history_cursor current,
                        uint64_t epoch);

bool history_facts_boot(const struct history_facts *facts,
                        const uint8_t id[static HISTORY_BOOT_LEN],
                        int64_t *ret_offset_ms);

/* False when it was so already. */
bool history_facts_set_boot(struct history_facts *facts,
                            const uint8_t id[static HISTORY_BOOT_LEN],
                            int64_t offset_ms);

void history_facts_write(const struct history_facts *facts, struct buf *out);

/* 0 or STORE_E_DAMAGED. */
int history_facts_read(struct slice bytes, struct history_facts *ret_facts);
