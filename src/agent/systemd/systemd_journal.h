/*
 * systemd_journal - lines of the journal, read a little at a time
 *
 * Everything here blocks on disks, so it is called on a worker's thread and never on the
 * loop; one thread at a time, as sd-journal(3) asks. A read stops when its batch is full
 * or its slice of time is over, so that many readers share one thread. It waits for
 * nothing: the journal itself is what a slow reader leaves lines in. One that is more
 * than SYSTEMD_JOURNAL_LAG_MAX lines behind is told how many it misses.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "roost/v1/units.pb-c.h"

struct systemd_journal;
struct systemd_library;

enum {
    SYSTEMD_JOURNAL_LINES = 100,
    SYSTEMD_JOURNAL_LINES_MAX = 10000,
    SYSTEMD_JOURNAL_BATCH = 64,
    SYSTEMD_JOURNAL_LAG_MAX = 10000,
    SYSTEMD_JOURNAL_LAG_KEEP = 1000,  /* what a reader so late still gets */
    SYSTEMD_JOURNAL_TEXT_MAX = 16384, /* of one field; longer ones are cut */
};

struct systemd_journal_query {
    const char *root; /* where the host's "/" is seen */
    const char *unit; /* "": all; "kernel": the kernel's */
    const char *grep; /* "": all */
    const char *after_cursor;
    uint64_t since_us; /* of the wall clock; 0: from the first */
    uint64_t until_us; /* 0: to the last */
    uint32_t lines;
    int priority; /* -1: all */
    bool follow;
    bool is_user; /* the units of this process's user */
};

/* What read() came to. */
enum systemd_journal_state {
    SYSTEMD_JOURNAL_MORE, /* there may be more: read again */
    SYSTEMD_JOURNAL_WAIT, /* of one that follows: nothing until its descriptor is ready */
    SYSTEMD_JOURNAL_END,
};

struct systemd_journal_batch {
    Roost__V1__LogLine *lines[SYSTEMD_JOURNAL_BATCH]; /* owned by whoever reads */
    size_t count;
};

/*
 * May this process read the journal? 0, -EACCES, or -ENOENT: there is none. The journal
 * itself would just be empty.
 */
int systemd_journal_access(const char *root);

/* 0 and *ret_journal, or -errno. Copies the query. */
int systemd_journal_open(const struct systemd_library *library,
                         const struct systemd_journal_query *query,
                         struct systemd_journal **ret_journal);

/* NULL is fine; always returns NULL. */
struct systemd_journal *systemd_journal_close(struct systemd_journal *journal);

/* Adds lines to the batch: a state, or -errno. stalled: the reader let it wait. */
int systemd_journal_read(struct systemd_journal *journal,
                         bool stalled,
                         struct systemd_journal_batch *batch);

/* What becomes readable when there is more; -1 unless it follows. */
int systemd_journal_fd(const struct systemd_journal *journal);
