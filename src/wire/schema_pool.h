/*
 * schema_pool - memory that is freed all at once
 *
 * A descriptor is dozens of little arrays that point to each other and live exactly as
 * long as their schema.
 */
#pragma once

#include <stddef.h>

struct schema_pool;

struct schema_pool *schema_pool_new(void);

/* Frees everything that came from it; NULL is fine. Always returns NULL. */
struct schema_pool *schema_pool_free(struct schema_pool *pool);

/* count * size zeroed bytes, at least one, that the pool owns. */
void *schema_pool_get(struct schema_pool *pool, size_t count, size_t size);

/* Copies a text; NULL gives "". */
char *schema_pool_text(struct schema_pool *pool, const char *text);

/* SCOPE.NAME, or NAME where the scope is empty. */
char *schema_pool_join(struct schema_pool *pool, const char *scope, const char *name);
