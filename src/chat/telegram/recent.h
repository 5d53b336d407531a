/*
 * recent - the newest few pairs of texts: what it is good to remember, and no harm to
 * forget
 */
#pragma once

#include <stddef.h>

struct recent;

/* Keeps at most that many. */
struct recent *recent_new(size_t max);

/* NULL is fine; always returns NULL. */
struct recent *recent_free(struct recent *recent);

/* Copies both; the oldest goes when there are too many. */
void recent_put(struct recent *recent, const char *key, const char *value);

/* NULL: not known. Lent until the next change. */
const char *recent_get(const struct recent *recent, const char *key);

void recent_remove(struct recent *recent, const char *key);
