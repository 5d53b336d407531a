/*
 * backoff - how long to wait after the nth failure in a row
 *
 * 1 s, 2 s, 4 s ... at most a minute, and a part of it by chance, so that many do not
 * come back together.
 */
#pragma once

#include <stdint.h>

enum { BACKOFF_FIRST_MS = 1000, BACKOFF_MOST_MS = 60000 };

/* failures from 1; chance is any number. */
uint64_t backoff_ms(unsigned failures, uint32_t chance);
