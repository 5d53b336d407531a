/*
 * row_pace - how many rows may come for the time that they span
 *
 * A replay brings a day within seconds, so what is limited is not how fast rows come but
 * how close together they are: ten a second of their own time on the long run. Times are
 * never later than now, which bounds what an agent can make us keep.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: nothing came yet. */
struct row_pace {
    int64_t newest_ms; /* wall time of a row */
    int64_t debt_ms;   /* what rows were too close together by, in sum */
};

/* Takes the wall time of a row: false when there are too many. */
bool row_pace_take(struct row_pace *pace, int64_t wall_ms);
