#include "wire/h2_window.h"

enum {
    SECOND_US = 1000000,
    SPAN_US = 10 * SECOND_US, /* a path may change */
    MEASURE_BYTES = 65536,    /* few bytes need no measured path */
    QUIET_US = 2 * SECOND_US, /* a slow stream keeps its window that long */
    USED_PART = 2,            /* the window counts as used up at a half */
    QUIET_PART = 8,           /* and as too large below an eighth */
    GAIN_PART = 8,            /* a step must gain more than an eighth */
    STEP_PART = 4,            /* a step of less than a quarter is not worth its frame */
    LEAP_BELOW = 1 << 20,     /* smaller windows grow to four times their size at once */
    LEAP = 3,
};

void h2_window_path_init(struct h2_window_path *path, struct h2_window_budget *budget) {
    *path = (struct h2_window_path) { .budget = budget };
}

bool h2_window_path_received(struct h2_window_path *path, size_t len, uint64_t now_us) {
    path->received += len;
    if (!path->budget || path->is_pinging || path->received < MEASURE_BYTES ||
        (path->newer_us > 0 && now_us - path->pinged_us < H2_WINDOW_PING_US))
        return false;
    path->is_pinging = true;
    path->pinged_us = now_us;
    path->received = 0;
    return true;
}

void h2_window_path_answered(struct h2_window_path *path, uint64_t now_us) {
    uint64_t took_us = now_us - path->pinged_us;
    uint32_t sample_us = took_us < 1         ? 1
                         : took_us > SPAN_US ? SPAN_US
                                             : (uint32_t)took_us;

    if (!path->is_pinging)
        return;
    path->is_pinging = false;
    if (path->newer_us > 0 && now_us - path->since_us <= SPAN_US) {
        if (sample_us < path->newer_us)
            path->newer_us = sample_us;
        return;
    }
    path->older_us = path->newer_us;
    path->newer_us = sample_us;
    path->since_us = now_us;
}

uint32_t h2_window_path_us(const struct h2_window_path *path) {
    bool older_is_less = path->older_us > 0 && path->older_us < path->newer_us;
    return older_is_less ? path->older_us : path->newer_us;
}

void h2_window_init(struct h2_window *window, uint32_t first) {
    *window = (struct h2_window) { .first = first, .size = first, .wanted = first };
}

static void give_back(struct h2_window_path *path, size_t len) {
    if (len == 0)
        return;
    path->used -= len;
    path->budget->used -= len;
}

/* One connection takes half of the budget, unless that does not suffice for one stream.
 */
static size_t share_of(const struct h2_window_budget *budget) {
    size_t half = budget->limit / 2;
    size_t least = budget->limit < H2_WINDOW_MAX ? budget->limit : H2_WINDOW_MAX;
    return half > least ? half : least;
}

static size_t rest_of(size_t limit, size_t used) {
    return used < limit ? limit - used : 0;
}

/* Takes the step from the budget, or a part of it, or 0. */
static uint32_t charge(struct h2_window_path *path, uint32_t step) {
    struct h2_window_budget *budget = path->budget;
    size_t left = rest_of(budget->limit, budget->used);
    size_t mine = rest_of(share_of(budget), path->used);
    size_t most = left < mine ? left : mine;

    if (most < step / STEP_PART)
        return 0;
    if (step > most)
        step = (uint32_t)most;
    path->used += step;
    budget->used += step;
    return step;
}

/* Makes the window twice as large, or four times while it is small: returns by how much
 * it grew. */
static uint32_t grow(struct h2_window *window,
                     struct h2_window_path *path,
                     uint64_t rate,
                     uint64_t now_us) {
    uint32_t most = window->size < H2_WINDOW_MAX ? H2_WINDOW_MAX - window->size : 0;
    uint32_t wanted = window->size < LEAP_BELOW ? LEAP * window->size : window->size;
    uint32_t step = charge(path, wanted < most ? wanted : most);

    if (step == 0)
        return 0;
    window->size += step;
    window->wanted = window->size;
    window->rate = rate;
    window->epoch_us = now_us + h2_window_path_us(path); /* until it can show */
    return step;
}

static void halve(struct h2_window *window) {
    window->wanted = window->size / 2 > window->first ? window->size / 2 : window->first;
}

/* A round trip is over: returns by how much the window grows. */
static uint32_t judge(struct h2_window *window,
                      struct h2_window_path *path,
                      uint64_t now_us) {
    uint64_t elapsed_us = now_us - window->epoch_us;
    uint64_t a_trip = window->taken * h2_window_path_us(path) / elapsed_us;
    uint64_t rate = window->taken * SECOND_US / elapsed_us;
    bool used_up = window->drained && a_trip >= window->size / USED_PART;

    window->epoch_us = now_us;
    window->taken = 0;
    window->drained = false;
    if (a_trip >= window->size / QUIET_PART)
        window->busy_us = now_us;
    else if (now_us - window->busy_us > QUIET_US)
        halve(window);
    if (!used_up || window->wanted < window->size || now_us < window->rests_until_us)
        return 0;
    if (window->rate == 0 || rate > window->rate + window->rate / GAIN_PART)
        return grow(window, path, rate, now_us);
    window->rate = 0;
    window->rests_until_us = now_us + H2_WINDOW_REST_US;
    halve(window);
    return 0;
}

/* Counts the bytes, and looks at them once a round trip. */
static uint32_t count(struct h2_window *window,
                      struct h2_window_path *path,
                      size_t n,
                      uint64_t now_us) {
    uint32_t trip_us = h2_window_path_us(path);

    if (!path->budget || trip_us < H2_WINDOW_NEAR_US || now_us < window->epoch_us)
        return 0;
    if (window->epoch_us == 0) {
        window->epoch_us = now_us;
        window->busy_us = now_us;
        return 0;
    }
    window->taken += n;
    return now_us - window->epoch_us < trip_us ? 0 : judge(window, path, now_us);
}

size_t h2_window_take(struct h2_window *window,
                      struct h2_window_path *path,
                      size_t n,
                      bool drained,
                      uint64_t now_us) {
    if (drained)
        window->drained = true;
    size_t more = count(window, path, n, now_us);
    size_t less = window->size - window->wanted;
    if (less > n)
        less = n;
    window->size -= (uint32_t)less;
    give_back(path, less);
    return n + more - less;
}

void h2_window_done(struct h2_window *window, struct h2_window_path *path) {
    give_back(path, window->size - window->first);
    window->size = window->first;
    window->wanted = window->first;
}
