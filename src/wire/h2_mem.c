/*
 * The engine allocates many small structs for each stream, and one frame buffer of
 * 16,394 bytes for its life. Small sizes go through free lists of 16-byte classes, which
 * saves 7 to 12 % of the hub's time; the lists of many engines are one pool, or each
 * keeps the KiB or two that its first calls have freed. The frame buffer gets pages of
 * its own: in the heap it lands in the hole that a TLS handshake left, all of it
 * resident; in fresh pages only the first is, until large frames pass.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "wire/h2_internal.h"

enum {
    CLASS_SIZE = 16,
    CLASS_COUNT = 33, /* blocks up to 512 bytes: a stream, a queued frame, short fields */
    KEPT_OWN = 16,    /* free blocks kept in a class; the others go back to libc */
    KEPT_SHARED = 128,
    FRAME_MIN = 16384,
    FRAME_MAX = 20480, /* five pages hold a frame with its head and padding length */
};

/* What stands before each block. While the block is free, `next` links it. */
struct block {
    size_t size;        /* usable bytes; those of a small block are its class */
    struct block *next; /* borrowed: the free list; not there while the block is used */
};

enum { HEAD_LEN = offsetof(struct block, next) };

struct h2_mem_pool {
    size_t references;
    struct block *blocks[CLASS_COUNT]; /* owned: the free ones */
    unsigned char counts[CLASS_COUNT];
    unsigned char kept_max;
};

struct h2_mem {
    nghttp2_mem engine;
    struct h2_mem_pool *pool; /* reference */
    void *frame;              /* owned: pages of FRAME_MAX bytes, NULL until asked for */
    bool frame_used;
};

static struct block *block_of(void *at) {
    return (struct block *)(void *)((char *)at - HEAD_LEN);
}

static void *place_of(struct block *block) {
    return (char *)block + HEAD_LEN;
}

static void *take_frame(struct h2_mem *mem) {
    if (!mem->frame) {
        void *pages = mmap(NULL, FRAME_MAX, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pages == MAP_FAILED)
            return NULL;
        mem->frame = pages;
    }
    mem->frame_used = true;
    return mem->frame;
}

static void *allocate(size_t size, void *user) {
    struct h2_mem *mem = user;

    if (size >= FRAME_MIN && size <= FRAME_MAX && !mem->frame_used) {
        void *frame = take_frame(mem);
        if (frame)
            return frame;
    }
    size_t rank = size == 0 ? 1 : (size + CLASS_SIZE - 1) / CLASS_SIZE;
    size_t usable = rank * CLASS_SIZE;
    struct block *block;
    if (rank < CLASS_COUNT && mem->pool->blocks[rank]) {
        block = mem->pool->blocks[rank];
        mem->pool->blocks[rank] = block->next;
        mem->pool->counts[rank]--;
    } else {
        block = mem_grow(NULL, HEAD_LEN + usable);
        block->size = usable;
    }
    return place_of(block);
}

static void release(void *at, void *user) {
    struct h2_mem *mem = user;
    struct h2_mem_pool *pool = mem->pool;

    if (!at)
        return;
    if (at == mem->frame) {
        mem->frame_used = false;
        return;
    }
    struct block *block = block_of(at);
    size_t rank = block->size / CLASS_SIZE;
    if (rank >= CLASS_COUNT || pool->counts[rank] == pool->kept_max) {
        free(block);
        return;
    }
    block->next = pool->blocks[rank];
    pool->blocks[rank] = block;
    pool->counts[rank]++;
}

static void *allocate_zeroed(size_t count, size_t size, void *user) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *at = allocate(total, user);
    memset(at, 0, total);
    return at;
}

static void *resize(void *at, size_t size, void *user) {
    struct h2_mem *mem = user;

    if (!at)
        return allocate(size, user);
    size_t had = at == mem->frame ? FRAME_MAX : block_of(at)->size;
    if (size <= had)
        return at;
    void *moved = allocate(size, user);
    memcpy(moved, at, had);
    release(at, user);
    return moved;
}

static struct h2_mem_pool *make_pool(unsigned char kept_max) {
    struct h2_mem_pool *pool = mem_new(sizeof(*pool));

    pool->references = 1;
    pool->kept_max = kept_max;
    return pool;
}

struct h2_mem_pool *h2_mem_pool_new(void) {
    return make_pool(KEPT_SHARED);
}

struct h2_mem_pool *h2_mem_pool_free(struct h2_mem_pool *pool) {
    if (!pool || --pool->references > 0)
        return NULL;
    for (size_t rank = 0; rank < CLASS_COUNT; rank++) {
        while (pool->blocks[rank]) {
            struct block *block = pool->blocks[rank];
            pool->blocks[rank] = block->next;
            free(block);
        }
    }
    free(pool);
    return NULL;
}

struct h2_mem *h2_mem_new(struct h2_mem_pool *pool) {
    struct h2_mem *mem = mem_new(sizeof(*mem));

    if (pool)
        pool->references++;
    mem->pool = pool ? pool : make_pool(KEPT_OWN);
    mem->engine = (nghttp2_mem) { mem, allocate, release, allocate_zeroed, resize };
    return mem;
}

struct h2_mem *h2_mem_free(struct h2_mem *mem) {
    if (!mem)
        return NULL;
    h2_mem_pool_free(mem->pool);
    if (mem->frame)
        munmap(mem->frame, FRAME_MAX);
    free(mem);
    return NULL;
}

nghttp2_mem *h2_mem_engine(struct h2_mem *mem) {
    return &mem->engine;
}
