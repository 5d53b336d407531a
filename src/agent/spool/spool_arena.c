#include "agent/spool/spool_arena.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/mem.h"

struct spool_arena {
    uint8_t *base; /* owned: a mapping */
    size_t pages;
    size_t used;
    bool *is_lent; /* owned; one a page */
};

struct spool_arena *spool_arena_new(size_t bytes) {
    struct spool_arena *arena = mem_new(sizeof(*arena));

    arena->pages = (bytes + SPOOL_ARENA_PAGE - 1) / SPOOL_ARENA_PAGE;
    arena->is_lent = mem_new_array(arena->pages, sizeof(*arena->is_lent));
    void *base = mmap(NULL, arena->pages * SPOOL_ARENA_PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        abort(); /* as mem_new() does: no address space is no memory */
    arena->base = base;
    return arena;
}

struct spool_arena *spool_arena_free(struct spool_arena *arena) {
    if (!arena)
        return NULL;
    munmap(arena->base, arena->pages * SPOOL_ARENA_PAGE);
    free(arena->is_lent);
    free(arena);
    return NULL;
}

uint8_t *spool_arena_take(struct spool_arena *arena, size_t pages) {
    size_t run = 0;

    assert(pages > 0);
    for (size_t i = 0; i < arena->pages; i++) {
        run = arena->is_lent[i] ? 0 : run + 1;
        if (run < pages)
            continue;
        for (size_t page = i + 1 - pages; page <= i; page++)
            arena->is_lent[page] = true;
        arena->used += pages;
        return arena->base + (i + 1 - pages) * SPOOL_ARENA_PAGE;
    }
    return NULL;
}

void spool_arena_give(struct spool_arena *arena, uint8_t *at, size_t pages) {
    size_t first = (size_t)(at - arena->base) / SPOOL_ARENA_PAGE;

    if (pages == 0)
        return;
    for (size_t page = first; page < first + pages; page++) {
        assert(arena->is_lent[page]);
        arena->is_lent[page] = false;
    }
    arena->used -= pages;
    madvise(at, pages * SPOOL_ARENA_PAGE, MADV_DONTNEED);
}

size_t spool_arena_used(const struct spool_arena *arena) {
    return arena->used * SPOOL_ARENA_PAGE;
}
