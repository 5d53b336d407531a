/*
 * when - points in time as a person says them
 *
 *   90m  24h  7d  1d12h          so long ago
 *   2026-11-20                   the start of that day, in the local time zone
 *   2026-11-20 14:00[:30]        also with a T between
 *   now  today  yesterday        the start of the day likewise
 *   2026-11-20T14:00:00+01:00    RFC 3339
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cli;

enum {
    WHEN_E_DAMAGED = 1, /* nothing of the above */
};

/* Reads a point in time; now_ms is what "ago" counts from. 0 or WHEN_E_DAMAGED. */
int when_parse(const char *text, int64_t now_ms, int64_t *ret_ms);

/* The option of that name: 0, or a status after telling that it makes no sense. Untouched
 * when it was not given. */
int when_option(const struct cli *cli, const char *option, int64_t *ret_ms);

enum { WHEN_LEN = 32 };

/* "2026-11-20 14:00", in the local time zone; with seconds, if wanted. */
void when_print(int64_t wall_ms, bool seconds, char ret_text[static WHEN_LEN]);
