/*
 * systemd_logs - readers of the journal, on one thread, told on the loop
 *
 * The thread is there while somebody reads and a little longer. A reader that does not
 * go on is not read for: the journal keeps its lines.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/systemd/systemd_fault.h"
#include "agent/systemd/systemd_journal.h"

struct loop;
struct systemd_log;
struct systemd_logs;

enum { SYSTEMD_LOGS_MAX = 16 }; /* readers at a time: each maps files of the journal */

struct systemd_log_events {
    /* The next lines, lent; maybe none at all. True: go on; false: systemd_logs_go_on()
     * will be called. May call systemd_logs_stop(). */
    bool (*on_lines)(void *arg, Roost__V1__LogLine *const *lines, size_t count);
    /* That was all (fault NULL), or why there is no more. The log is gone. */
    void (*on_end)(void *arg, const struct systemd_fault *fault);
    void *arg; /* borrowed: until the end */
};

/* Starts nothing. */
struct systemd_logs *systemd_logs_new(struct loop *loop);

/* Waits for a read under way; readers are told nothing. NULL is fine; always returns
 * NULL. */
struct systemd_logs *systemd_logs_free(struct systemd_logs *logs);

/* Begins to read; NULL: there are SYSTEMD_LOGS_MAX already. Copies the query; the library
 * outlives the logs. */
struct systemd_log *systemd_logs_read(struct systemd_logs *logs,
                                      struct systemd_library *library,
                                      const struct systemd_journal_query *query,
                                      const struct systemd_log_events *events);

void systemd_logs_go_on(struct systemd_log *log);

/* The reader wants no more, and is told nothing. NULL is fine; always returns NULL. */
struct systemd_log *systemd_logs_stop(struct systemd_log *log);
