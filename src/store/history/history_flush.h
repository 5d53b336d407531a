/*
 * history_flush - make durable what was taken
 *
 * One flush is one transaction: new nodes and catalogues, one journal row, the cursors.
 * A flush that failed is kept as it is and tried again until it succeeds, so that an
 * uncertain commit is found to have been one by its cursors.
 */
#pragma once

#include <stdbool.h>

struct history;

/* Sees to it that a flush comes: now, or with the timer. */
void history_flush_want(struct history *history, bool is_urgent);

/* Nothing waits and none runs. */
bool history_flush_is_idle(const struct history *history);

/* Waits for the one that runs, and tries for the rest once more. */
void history_flush_finish(struct history *history);
