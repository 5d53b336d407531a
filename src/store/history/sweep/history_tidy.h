/*
 * history_tidy - move what the database has in its log to its place
 *
 * Done on the merger's thread, so that no transaction has to.
 */
#pragma once

#include <stddef.h>

struct history;

/* So much is in the log now: tidies when it is much. */
void history_tidy_note(struct history *history, size_t log_pages);
