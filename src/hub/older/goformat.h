/*
 * goformat - times and durations as programs written in Go print them
 *
 * The older hub's answers hold such texts, and its clients show or read them.
 */
#pragma once

#include <stdint.h>

enum {
    GOFORMAT_DURATION_LEN = 32, /* room for goformat_duration() */
    GOFORMAT_TIME_LEN = 64,     /* room for goformat_time() */
};

/* "1h2m3.5s", "1.009501536s", "250ms", "1.5µs", "0s". */
void goformat_duration(int64_t ns, char ret_text[static GOFORMAT_DURATION_LEN]);

/*
 * "2026-11-21 01:49:27.957169013 +0000 UTC m=+1.004636889": the time in UTC, and how long
 * after the start of the program it was.
 */
void goformat_time(int64_t wall_ns,
                   int64_t since_start_ns,
                   char ret_text[static GOFORMAT_TIME_LEN]);
