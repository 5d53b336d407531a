/*
 * latest - the newest sample of a node
 *
 * The catalogue that its agent sent, and the row of values that came last, in the
 * catalogue's order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/history/history.h"

struct latest {
    struct history_catalogue *catalogue;  /* reference */
    const struct history_metric *metrics; /* borrowed: the catalogue's */
    int64_t *values; /* owned; LATEST_ABSENT: not in the last sample */
    size_t count;
    int64_t time_ms;  /* wall time of the last sample; 0 before it */
    unsigned version; /* counts catalogues */
};

#define LATEST_ABSENT INT64_MIN

enum { LATEST_SERIES_MAX = 4096, LATEST_NAME_MAX = 256 };

/* No sample yet, of these metrics. */
struct latest *latest_new(struct history_catalogue *catalogue);

/* NULL is fine; always returns NULL. */
struct latest *latest_free(struct latest *latest);

/* Is there a value, and which, in the metric's unit? */
bool latest_value(const struct latest *latest, size_t at, double *ret_value);

/* Does the metric's name fit one of the wishes (names, older names, globs)? No wish: yes.
 */
bool latest_is_wanted(const char *name, char *const *wishes, size_t count);
