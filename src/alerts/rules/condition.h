/*
 * condition - what a rule waits for, as a person writes it
 *
 *   condition = all { "or" all }              all = one { "and" one }
 *   one       = "(" condition ")" | N "of" "(" condition { "," condition } ")" | test
 *   test      = what [ "for" DURATION ] [ "clear" NUMBER ]
 *   what      = SERIES OP NUMBER [UNIT]                  a level: disk:* > 90
 *             | "rate" "(" SERIES [ "," DURATION ] ")" OP NUMBER [UNIT]   change a second
 *             | "absent" "(" SERIES ")"                  no value for the duration
 *             | "forecast" "(" SERIES "," NUMBER ")" "<" DURATION   gets there within
 *             | "offline"                                no link, for the duration
 *             | "unit" "(" PATTERN ")"                   a systemd unit has failed
 *             | "certificate" "(" HOST:PORT ")" "<" DURATION
 *             | "probe" "(" ("tcp"|"http"|"ping") TARGET ")"     failed, from the node
 *
 * OP is one of > >= < <= = !=. SERIES is a metric or an older name of one, and may end in
 * ":*": each such series is judged by itself. A UNIT is "%", "GiB", "Mbit/s", "C", "s",
 * ... and must fit the metric's. Parsing is pure; what cannot be read is explained with
 * the place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { CONDITION_TEXT_MAX = 1000, CONDITION_NODES_MAX = 32, CONDITION_DEPTH_MAX = 8 };

enum condition_kind {
    CONDITION_ALL,  /* and */
    CONDITION_ANY,  /* or */
    CONDITION_SOME, /* N of */
    CONDITION_LEVEL,
    CONDITION_RATE,
    CONDITION_ABSENT,
    CONDITION_FORECAST,
    CONDITION_OFFLINE,
    CONDITION_UNIT,
    CONDITION_CERTIFICATE,
    CONDITION_PROBE,
};

enum condition_operator {
    CONDITION_MORE,
    CONDITION_MORE_EQUAL,
    CONDITION_LESS,
    CONDITION_LESS_EQUAL,
    CONDITION_EQUAL,
    CONDITION_NOT_EQUAL,
};

/* One part of a condition: a test, or what joins tests. */
struct condition {
    enum condition_kind kind;
    enum condition_operator op;
    char *series;  /* owned: the metric as the table names it, pattern, target; "" */
    double number; /* in the metric's own unit; FORECAST: the level to be reached */
    double clear;  /* ends beyond it; NaN: at number */
    uint64_t for_ms;
    uint64_t span_ms;         /* RATE: over; FORECAST, CERTIFICATE: within */
    unsigned some;            /* SOME: so many */
    struct condition **parts; /* owned; NULL of a test */
    size_t part_count;
};

/* Reads a text: NULL and *ret_why (a text to free) when it makes no sense. */
struct condition *condition_parse(const char *text, char **ret_why);

/* NULL is fine; always returns NULL. */
struct condition *condition_free(struct condition *condition);

/* Writes it as it would be read again, in its shortest form. */
void condition_print(const struct condition *condition, struct buf *out);

/* In words: "a file system is more than 90 % full for 10 minutes, until 87 %". */
void condition_explain(const struct condition *condition, struct buf *out);

/* A number in the metric's unit for people: "93.1 %", "1.2 GiB", "80 °C". */
void condition_value(struct buf *out, double value, const char *unit);
