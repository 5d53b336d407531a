/*
 * ledger - what was asked of this host under an operation id, and what became of it
 *
 * DIR/operations, records (ledger_record.h) that are on the disk before anything is done.
 * The newest 4,096 operations are kept, and none is forgotten within a day: a ledger that
 * is full says so, and whoever asks must not act. A tail that a crash has torn was never
 * acted on and is cut; what is damaged elsewhere is stepped over, and told.
 *
 * It blocks for as long as the disk takes, and reads nothing before it is first asked.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/acts/ledger_record.h"

struct ledger;

enum {
    LEDGER_E_NONE = 1, /* no such operation */
    LEDGER_E_FULL,     /* so many within a day */
};

enum {
    LEDGER_COUNT_MAX = 4096,
    LEDGER_KEEP_MS = 24 * 3600 * 1000,
};

/* dir: the agent's state folder; copied. count_max: LEDGER_COUNT_MAX as usual. */
struct ledger *ledger_new(const char *dir, size_t count_max);

/* NULL is fine; always returns NULL. */
struct ledger *ledger_free(struct ledger *ledger);

/*
 * Finds an operation: 0, and *ret_record lends from *ret_bytes (emptied first);
 * LEDGER_E_NONE, or -errno.
 */
int ledger_find(struct ledger *ledger,
                struct slice id,
                struct buf *ret_bytes,
                struct ledger_record *ret_record);

/*
 * Puts the record of an operation, in place of an older one of the same id: 0 when it
 * is on the disk, LEDGER_E_FULL, or -errno and nothing has changed.
 */
int ledger_put(struct ledger *ledger, const struct ledger_record *record);

/* The file; lent. */
const char *ledger_path(const struct ledger *ledger);
