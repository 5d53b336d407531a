/*
 * silence - of what nobody is told for a while, and maintenance windows
 *
 * A silence covers the incidents of the nodes and rules that it names, from its start to
 * its end, and again so long after each "every". Kept as records ("alerts.silence") by
 * the notifier. Reads no clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum { SILENCE_ID_LEN = 8 };

struct silence {
    char id[SILENCE_ID_LEN + 1];
    char *select; /* owned, and so are all texts; never NULL. Nodes: "" is all */
    char *rule;   /* a pattern; "": all */
    char *reason;
    char *created_by;
    int64_t starts_ms;
    int64_t ends_ms;
    uint64_t every_ms; /* 0: once */
};

struct silence *silence_new(void); /* with an id of its own */
struct silence *silence_free(struct silence *silence);

/* When the window that now is in ends, or 0. */
int64_t silence_until(const struct silence *silence, int64_t now_ms);

/* Will it never be in effect again? */
bool silence_is_over(const struct silence *silence, int64_t now_ms);

/* As it is kept. silence_read() gives NULL when it is damaged. */
void silence_write(const struct silence *silence, struct buf *out);
struct silence *silence_read(const char *id, struct slice bytes);
