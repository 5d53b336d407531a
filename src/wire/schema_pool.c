#include "wire/schema_pool.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum {
    BLOCK_LEN = 16 << 10,
    ALIGNMENT = 16,
};

struct block {
    struct block *next; /* owned */
    size_t used;
    size_t cap;
    _Alignas(ALIGNMENT) uint8_t bytes[];
};

struct schema_pool {
    struct block *blocks; /* owned; the first one has room */
};

struct schema_pool *schema_pool_new(void) {
    return mem_new(sizeof(struct schema_pool));
}

struct schema_pool *schema_pool_free(struct schema_pool *pool) {
    if (!pool)
        return NULL;
    while (pool->blocks) {
        struct block *next = pool->blocks->next;
        free(pool->blocks);
        pool->blocks = next;
    }
    free(pool);
    return NULL;
}

static struct block *add_block(struct schema_pool *pool, size_t len) {
    size_t cap = len > BLOCK_LEN ? len : BLOCK_LEN;
    struct block *block = mem_new(sizeof(*block) + cap);

    block->cap = cap;
    block->next = pool->blocks;
    pool->blocks = block;
    return block;
}

void *schema_pool_get(struct schema_pool *pool, size_t count, size_t size) {
    size_t len = (count * size + ALIGNMENT) & ~(size_t)(ALIGNMENT - 1);
    struct block *block = pool->blocks;

    if (!block || block->cap - block->used < len)
        block = add_block(pool, len);
    void *at = block->bytes + block->used;
    block->used += len;
    return at;
}

char *schema_pool_text(struct schema_pool *pool, const char *text) {
    if (!text)
        text = "";
    size_t len = strlen(text);
    return memcpy(schema_pool_get(pool, len + 1, 1), text, len);
}

char *schema_pool_join(struct schema_pool *pool, const char *scope, const char *name) {
    size_t scope_len = strlen(scope);
    size_t name_len = strlen(name);
    char *text = schema_pool_get(pool, scope_len + name_len + 2, 1);

    if (scope_len > 0) {
        memcpy(text, scope, scope_len);
        text[scope_len++] = '.';
    }
    memcpy(text + scope_len, name, name_len);
    return text;
}
