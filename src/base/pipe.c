#include "base/pipe.h"

#include <stdlib.h>

#include "base/mem.h"

enum {
    CHUNK_MAX = 16384, /* one HTTP/2 frame */
    CHUNK_MIN = 256,   /* a small message should not cost a page */
};

struct chunk {
    struct list node;
    size_t pos;
    size_t end;
    size_t cap;
    uint8_t data[];
};

static struct chunk *first_chunk(const struct pipe *pipe) {
    return container_of(pipe->chunks.next, struct chunk, node);
}

static struct chunk *last_chunk(const struct pipe *pipe) {
    return container_of(pipe->chunks.prev, struct chunk, node);
}

void pipe_init(struct pipe *pipe) {
    list_init(&pipe->chunks);
    pipe->len = 0;
}

static void free_chunk(struct chunk *chunk) {
    list_remove(&chunk->node);
    free(chunk);
}

void pipe_done(struct pipe *pipe) {
    while (!list_is_empty(&pipe->chunks))
        free_chunk(first_chunk(pipe));
    pipe->len = 0;
}

static struct chunk *add_chunk(struct pipe *pipe, size_t len) {
    size_t cap = len < CHUNK_MIN ? CHUNK_MIN : len > CHUNK_MAX ? CHUNK_MAX : len;
    struct chunk *chunk = mem_grow(NULL, sizeof(*chunk) + cap);
    *chunk = (struct chunk) { .cap = cap };
    list_add_tail(&pipe->chunks, &chunk->node);
    return chunk;
}

void pipe_add(struct pipe *pipe, struct slice bytes) {
    while (bytes.len > 0) {
        struct chunk *chunk = list_is_empty(&pipe->chunks) ? NULL : last_chunk(pipe);
        if (!chunk || chunk->end == chunk->cap)
            chunk = add_chunk(pipe, bytes.len);

        size_t room = chunk->cap - chunk->end;
        size_t n = bytes.len < room ? bytes.len : room;
        memcpy(chunk->data + chunk->end, bytes.at, n);
        chunk->end += n;
        pipe->len += n;
        bytes = slice_after(bytes, n);
    }
}

struct slice pipe_peek(const struct pipe *pipe) {
    if (pipe->len == 0)
        return slice_of(NULL, 0);
    const struct chunk *chunk = first_chunk(pipe);
    return slice_of(chunk->data + chunk->pos, chunk->end - chunk->pos);
}

size_t pipe_peek_runs(const struct pipe *pipe, struct slice *ret_runs, size_t most) {
    size_t count = 0;

    list_for_each_safe(node, after, &pipe->chunks) {
        const struct chunk *chunk = container_of(node, struct chunk, node);
        if (count == most)
            break;
        ret_runs[count++] = slice_of(chunk->data + chunk->pos, chunk->end - chunk->pos);
    }
    return count;
}

void pipe_copy(const struct pipe *pipe, void *at, size_t n) {
    uint8_t *to = at;

    list_for_each_safe(node, after, &pipe->chunks) {
        const struct chunk *chunk = container_of(node, struct chunk, node);
        size_t len = chunk->end - chunk->pos;
        size_t part = n < len ? n : len;
        if (part == 0)
            return;
        memcpy(to, chunk->data + chunk->pos, part);
        to += part;
        n -= part;
    }
}

void pipe_drop(struct pipe *pipe, size_t n) {
    pipe->len -= n;
    while (n > 0) {
        struct chunk *chunk = first_chunk(pipe);
        size_t len = chunk->end - chunk->pos;
        if (n < len) {
            chunk->pos += n;
            return;
        }
        n -= len;
        free_chunk(chunk);
    }
}

size_t pipe_move(struct pipe *to, struct pipe *from, size_t max) {
    size_t moved = 0;

    while (from->len > 0 && moved < max) {
        struct chunk *chunk = first_chunk(from);
        size_t len = chunk->end - chunk->pos;
        if (len > max - moved) {
            size_t part = max - moved;
            pipe_add(to, slice_of(chunk->data + chunk->pos, part));
            pipe_drop(from, part);
            return max;
        }
        list_remove(&chunk->node);
        list_add_tail(&to->chunks, &chunk->node);
        from->len -= len;
        to->len += len;
        moved += len;
    }
    return moved;
}
