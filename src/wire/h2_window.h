/*
 * h2_window - how much a peer may have under way on a stream
 *
 * A stream's window starts small. It doubles when it is what limits the stream: on a
 * path whose round trip is worth it, the window was used up within one round trip, all
 * that came was taken, and the last step has made the stream faster; below 1 MiB a step
 * leads to four times the size. It is halved again when a step gained nothing, or when a
 * slow stream needs it no longer. What
 * is above the first window comes out of one budget for the whole process, of which one
 * connection gets half. Pure numbers: times are passed in, nothing is sent from here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    H2_WINDOW_MAX = 8 << 20,     /* 84 MB/s at 100 ms */
    H2_WINDOW_NEAR_US = 2000,    /* shorter round trips need no more than the first */
    H2_WINDOW_PING_US = 1000000, /* between two measurements while bytes come */
    H2_WINDOW_REST_US = 2000000, /* after a step that gained nothing */
};

/* Of a process. Zero it, set the limit; it may change at any time. */
struct h2_window_budget {
    size_t limit;
    size_t used;
};

/* Of a connection: the smallest round trip of the last 10 to 20 s, and its share. */
struct h2_window_path {
    struct h2_window_budget *budget; /* borrowed: outlives us; NULL: nothing grows */
    size_t used;
    size_t received;    /* bytes since the last PING */
    uint64_t pinged_us; /* when that left */
    uint64_t since_us;  /* start of the span of newer_us */
    uint32_t newer_us;  /* smallest round trip of this span; 0: none yet */
    uint32_t older_us;  /* and of the span before */
    bool is_pinging;
};

/* Of a stream. */
struct h2_window {
    uint32_t first;
    uint32_t size;
    uint32_t wanted;   /* smaller than size: what is taken gives back no credit */
    bool drained;      /* in this epoch */
    uint64_t epoch_us; /* when it began or is to begin; 0: not yet */
    uint64_t taken;    /* bytes in this epoch */
    uint64_t rate;     /* bytes a second before the last step; 0: none is on trial */
    uint64_t rests_until_us;
    uint64_t busy_us; /* when it last used a good part of its window */
};

void h2_window_path_init(struct h2_window_path *path, struct h2_window_budget *budget);

/* Body bytes came: true when a PING should leave now to measure the round trip. */
bool h2_window_path_received(struct h2_window_path *path, size_t len, uint64_t now_us);

/* Its answer came. */
void h2_window_path_answered(struct h2_window_path *path, uint64_t now_us);

/* The smallest round trip; 0: unknown. */
uint32_t h2_window_path_us(const struct h2_window_path *path);

void h2_window_init(struct h2_window *window, uint32_t first);

/*
 * The next hop took n bytes; drained: all that had come. Returns the credit that the
 * peer gets for it: more than n when the window grows, less when it shrinks.
 */
size_t h2_window_take(struct h2_window *window,
                      struct h2_window_path *path,
                      size_t n,
                      bool drained,
                      uint64_t now_us);

/* The stream is over: gives the budget back. Idempotent. */
void h2_window_done(struct h2_window *window, struct h2_window_path *path);
