/*
 * clock - what time it is, and how times are written
 *
 * Wall time is milliseconds since 1970 and may jump. Boot time counts also while the
 * machine sleeps and never goes back.
 */
#pragma once

#include <stdint.h>

enum {
    CLOCK_TEXT_LEN = 32, /* room for clock_print() */
};

enum {
    CLOCK_E_DAMAGED = 1, /* not a time that we can read */
};

int64_t clock_wall_ms(void);
int64_t clock_wall_ns(void);
uint64_t clock_boot_ns(void);
uint64_t clock_boot_ms(void);

/* "2026-01-31T23:59:59.123Z" (RFC 3339); years 0 to 9999, others are clipped. */
void clock_print(int64_t wall_ms, char ret_text[static CLOCK_TEXT_LEN]);

/* Reads RFC 3339 with any offset and any number of decimals (those below ms are cut). */
int clock_parse(const char *text, int64_t *ret_wall_ms);

/*
 * Reads a length of time: a number and a unit "ms", "s", "m", "h", "d", "w" or "y" (365
 * days), or several of them ("1h30m"); a number alone is seconds. At most 100 years.
 */
int clock_parse_duration(const char *text, uint64_t *ret_ms);
