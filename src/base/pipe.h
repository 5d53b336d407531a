/*
 * pipe - a queue of bytes in chunks
 *
 * What waits between a reader and a slower writer. Adding copies into chunks of at most
 * 16 KiB, moving between pipes copies nothing, and an empty pipe owns nothing.
 * The pipe has no limit of its own: whoever fills it looks at pipe.len first.
 */
#pragma once

#include "base/list.h"
#include "base/slice.h"

struct pipe {
    struct list chunks; /* owned */
    size_t len;         /* bytes waiting */
};

void pipe_init(struct pipe *pipe);

/* Frees the bytes; the pipe is empty and usable afterwards. */
void pipe_done(struct pipe *pipe);

/* Copies the bytes to the end. */
void pipe_add(struct pipe *pipe, struct slice bytes);

/* Lends the first run of contiguous bytes until the next change; empty when pipe.len is
 * 0. */
struct slice pipe_peek(const struct pipe *pipe);

/* Lends the first runs likewise, most of them at most: how many. For writev(). */
size_t pipe_peek_runs(const struct pipe *pipe, struct slice *ret_runs, size_t most);

/* Copies the first n bytes (n <= pipe.len) to at without taking them. */
void pipe_copy(const struct pipe *pipe, void *at, size_t n);

/* Drops the first n bytes, n <= pipe.len. */
void pipe_drop(struct pipe *pipe, size_t n);

/* Moves up to max bytes from the head of from to the end of to; returns how many. */
size_t pipe_move(struct pipe *to, struct pipe *from, size_t max);
