/*
 * values - the latest values of a node by metric name
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "roost/v1/metrics.pb-c.h"

struct value {
    char *name; /* owned */
    char *unit; /* owned; "" until it is known */
    unsigned scale;
    double number;
    bool is_there; /* in the newest sample */
};

struct values {
    struct value *items; /* owned; sorted by name */
    size_t count;
    int64_t time_ms; /* -1: never */
    bool online;
};

/* A zeroed struct is empty too. */
void values_done(struct values *values);

/* Takes what the hub sent; names that are missing from it are kept with is_there false.
 * Copies. */
void values_take(struct values *values, const Roost__V1__NodeValues *from);

/* The value that the newest sample holds, or NULL. Lent until the next values_take(). */
const struct value *values_find(const struct values *values, const char *name);

/* Its number, or fallback. */
double values_number(const struct values *values, const char *name, double fallback);
