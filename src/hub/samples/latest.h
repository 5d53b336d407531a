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

struct latest_metric {
    char *name;     /* owned: "net.rx:eth0" */
    char *unit;     /* owned: "By/s" */
    unsigned scale; /* the value is an integer times 10^-scale */
};

struct latest {
    struct latest_metric *metrics; /* owned */
    int64_t *values;               /* owned; LATEST_ABSENT: not in the last sample */
    size_t count;
    int64_t time_ms;  /* wall time of the last sample; 0 before it */
    unsigned version; /* counts catalogues */
};

#define LATEST_ABSENT INT64_MIN

enum { LATEST_SERIES_MAX = 4096, LATEST_NAME_MAX = 256 };

/* An empty catalogue of count metrics, to be filled by latest_describe(). */
struct latest *latest_new(size_t count);

/* NULL is fine; always returns NULL. */
struct latest *latest_free(struct latest *latest);

void latest_describe(
    struct latest *latest, size_t at, const char *name, const char *unit, unsigned scale);

/* Is there a value, and which, in the metric's unit? */
bool latest_value(const struct latest *latest, size_t at, double *ret_value);

/* Does the metric's name fit one of the wishes (names, older names, globs)? No wish: yes.
 */
bool latest_is_wanted(const char *name, char *const *wishes, size_t count);
