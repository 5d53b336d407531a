/*
 * The windows by simulation: senders that always have more, a path with a bandwidth and
 * a round trip, and readers that take everything, slowly, or nothing.
 */
#include "wire/h2_window.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

enum {
    KIB = 1024,
    MIB = 1024 * KIB,
    FIRST = 65536,
    STEP_US = 250,
    SLOTS = 4096, /* steps that a queue looks ahead: one second */
    SECOND_STEPS = 1000000 / STEP_US,
};

struct stream {
    struct h2_window window;
    size_t allowed;    /* what the sender may send */
    size_t waiting;    /* what the reader has not taken */
    size_t owed;       /* credit that is not worth a frame yet */
    size_t reads;      /* bytes a step that the reader takes */
    uint64_t total;    /* bytes that it took */
    size_t *bytes_at;  /* owned: bytes that arrive in each step */
    size_t *credit_at; /* owned: likewise at the sender */
};

struct path {
    struct h2_window_path path;
    uint64_t step;
    uint64_t pong_step; /* 0: none is on its way */
    unsigned trip_us;
    size_t bytes_a_step; /* bandwidth, shared by the streams */
};

static struct stream *new_stream(size_t reads) {
    struct stream *stream = mem_new(sizeof(*stream));

    h2_window_init(&stream->window, FIRST);
    stream->allowed = FIRST;
    stream->reads = reads;
    stream->bytes_at = mem_new_array(SLOTS, sizeof(size_t));
    stream->credit_at = mem_new_array(SLOTS, sizeof(size_t));
    return stream;
}

static void free_stream(struct stream *stream, struct path *path) {
    h2_window_done(&stream->window, &path->path);
    free(stream->bytes_at);
    free(stream->credit_at);
    free(stream);
}

static struct path new_path(struct h2_window_budget *budget,
                            unsigned trip_us,
                            size_t mb_s) {
    struct path path = { .trip_us = trip_us, .bytes_a_step = mb_s * STEP_US };
    h2_window_path_init(&path.path, budget);
    path.step = 1;
    return path;
}

static size_t take_slot(size_t *slots, uint64_t step) {
    size_t value = slots[step % SLOTS];
    slots[step % SLOTS] = 0;
    return value;
}

static void receive(struct path *path, struct stream *stream, size_t len) {
    uint64_t now_us = path->step * STEP_US;

    stream->waiting += len;
    if (len > 0 && h2_window_path_received(&path->path, len, now_us))
        path->pong_step = path->step + path->trip_us / STEP_US;
}

static void read_some(struct path *path, struct stream *stream) {
    uint64_t half = path->trip_us / 2 / STEP_US;
    size_t n = stream->waiting < stream->reads ? stream->waiting : stream->reads;

    if (n == 0)
        return;
    stream->waiting -= n;
    stream->total += n;
    stream->owed += h2_window_take(&stream->window, &path->path, n, stream->waiting == 0,
                                   path->step * STEP_US);
    if (stream->owed < stream->window.size / (stream->window.size > FIRST ? 16 : 2))
        return;
    stream->credit_at[(path->step + half + 1) % SLOTS] += stream->owed;
    stream->owed = 0;
}

/* One step of all streams of a path. */
static void advance(struct path *path, struct stream **streams, size_t count) {
    uint64_t half = path->trip_us / 2 / STEP_US;
    size_t room = path->bytes_a_step;

    for (size_t i = 0; i < count; i++) {
        struct stream *stream = streams[(i + path->step) % count];
        stream->allowed += take_slot(stream->credit_at, path->step);
        size_t len = stream->allowed < room ? stream->allowed : room;
        stream->bytes_at[(path->step + half + 1) % SLOTS] += len;
        stream->allowed -= len;
        room -= len;
        receive(path, stream, take_slot(stream->bytes_at, path->step));
        read_some(path, stream);
    }
    if (path->pong_step == path->step)
        h2_window_path_answered(&path->path, path->step * STEP_US);
    path->step++;
}

static void run(struct path *path, struct stream **streams, size_t count, unsigned ms) {
    for (unsigned i = 0; i < ms * 1000 / STEP_US; i++)
        advance(path, streams, count);
}

/* MB/s of a stream in the next second. */
static size_t rate_of(struct path *path, struct stream **streams, size_t count) {
    uint64_t before = streams[0]->total;
    run(path, streams, count, 1000);
    return (size_t)((streams[0]->total - before) / 1000000);
}

static void a_far_and_wide_path_gets_the_largest_window(void) {
    struct h2_window_budget budget = { .limit = 64 * MIB };
    struct path path = new_path(&budget, 100000, 200);
    struct stream *stream = new_stream(SIZE_MAX);

    run(&path, &stream, 1, 1500);
    CHECK_INT(stream->window.size, H2_WINDOW_MAX);
    CHECK_INT(budget.used, H2_WINDOW_MAX - FIRST);
    CHECK(rate_of(&path, &stream, 1) >= 76); /* 90 % of 8 MiB in 100 ms */
    free_stream(stream, &path);
    CHECK_INT(budget.used, 0);
}

static void a_window_stops_where_the_path_is_full(void) {
    struct h2_window_budget budget = { .limit = 64 * MIB };
    struct path path = new_path(&budget, 100000, 10);
    struct stream *stream = new_stream(SIZE_MAX);

    run(&path, &stream, 1, 10000);
    CHECK(stream->window.size <= 4 * MIB); /* 1 MB is under way */
    CHECK(rate_of(&path, &stream, 1) >= 8);
    free_stream(stream, &path);
}

static void nothing_grows_on_a_near_path(void) {
    struct h2_window_budget budget = { .limit = 64 * MIB };
    struct path path = new_path(&budget, 1000, 1000);
    struct stream *stream = new_stream(SIZE_MAX);

    run(&path, &stream, 1, 5000);
    CHECK(h2_window_path_us(&path.path) > 0);
    CHECK_INT(stream->window.size, FIRST);
    free_stream(stream, &path);
}

static void nothing_grows_without_a_budget(void) {
    struct path path = new_path(NULL, 100000, 200);
    struct stream *stream = new_stream(SIZE_MAX);

    run(&path, &stream, 1, 2000);
    CHECK_INT(stream->window.size, FIRST);
    free_stream(stream, &path);
}

static void a_slow_reader_keeps_the_first_window(void) {
    struct h2_window_budget budget = { .limit = 64 * MIB };
    struct path path = new_path(&budget, 100000, 200);
    struct stream *stream = new_stream(60); /* 240 KB/s; 64 KiB a trip are 655 */

    run(&path, &stream, 1, 5000);
    CHECK_INT(stream->window.size, FIRST);
    free_stream(stream, &path);
}

/* Those that nobody reads hold what they may send at once, and not a byte more. */
static void streams_that_nobody_reads_take_nothing_from_one_that_grows(void) {
    enum { COUNT = 1001 };
    struct h2_window_budget budget = { .limit = 64 * MIB };
    struct path path = new_path(&budget, 100000, 200);
    struct stream *streams[COUNT];

    for (size_t i = 0; i < COUNT; i++)
        streams[i] = new_stream(i == 0 ? SIZE_MAX : 0);
    run(&path, streams, COUNT, 3500);
    CHECK_INT(streams[0]->window.size, H2_WINDOW_MAX);
    CHECK_INT(budget.used, H2_WINDOW_MAX - FIRST);
    for (size_t i = 1; i < COUNT; i++) {
        CHECK_INT(streams[i]->window.size, FIRST);
        CHECK_INT(streams[i]->waiting, FIRST);
    }
    for (size_t i = 0; i < COUNT; i++)
        free_stream(streams[i], &path);
    CHECK_INT(budget.used, 0);
}

static void small_calls_beside_bulk_keep_their_windows(void) {
    struct h2_window_budget budget = { .limit = 64 * MIB };
    struct path path = new_path(&budget, 100000, 200);
    struct stream *streams[] = { new_stream(SIZE_MAX), new_stream(SIZE_MAX) };

    for (int i = 0; i < 3 * SECOND_STEPS; i++) {
        size_t has = streams[1]->allowed;
        streams[1]->allowed =
            i % 40 == 0 && has >= 37 ? 37 : 0; /* 100 messages a second */
        size_t sent = streams[1]->allowed;
        advance(&path, streams, 2);
        streams[1]->allowed += has - sent;
    }
    CHECK_INT(streams[0]->window.size, H2_WINDOW_MAX);
    CHECK_INT(streams[1]->window.size, FIRST);
    free_stream(streams[0], &path);
    free_stream(streams[1], &path);
}

static void the_budget_is_never_exceeded(void) {
    enum { COUNT = 20 };
    struct h2_window_budget budget = { .limit = 20 * MIB };
    struct path near = new_path(&budget, 50000, 2000),
                far = new_path(&budget, 80000, 2000);
    struct stream *streams[2][COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        streams[0][i] = new_stream(SIZE_MAX);
        streams[1][i] = new_stream(SIZE_MAX);
    }
    for (int i = 0; i < 2000; i++) {
        run(&near, streams[0], COUNT, 1);
        run(&far, streams[1], COUNT, 1);
        CHECK(budget.used <= budget.limit);
        CHECK(near.path.used <= budget.limit / 2);
        CHECK(far.path.used <= budget.limit / 2);
    }
    CHECK(budget.used >= 15 * MIB); /* it is used, too */
    for (size_t i = 0; i < COUNT; i++) {
        free_stream(streams[0][i], &near);
        free_stream(streams[1][i], &far);
    }
    CHECK_INT(budget.used, 0);
}

/* A stream that carries little for a while gives back what it has no use for. */
static void a_stream_that_became_slow_gives_its_window_back(void) {
    struct h2_window_budget budget = { .limit = 64 * MIB };
    struct path path = new_path(&budget, 100000, 200);
    struct stream *stream = new_stream(SIZE_MAX);

    run(&path, &stream, 1, 3000);
    CHECK_INT(stream->window.size, H2_WINDOW_MAX);
    stream->reads = 250; /* 1 MB/s: the others wait here */
    run(&path, &stream, 1, 30000);
    CHECK(stream->window.size <= 2 * MIB);
    CHECK_INT(budget.used, stream->window.size - FIRST);
    free_stream(stream, &path);
}

/* Whatever the times, credit is neither lost nor made out of nothing. */
static void credit_follows_the_window(void) {
    struct h2_window_budget budget = { .limit = 3 * MIB };
    struct h2_window_path path;
    struct h2_window window;
    uint64_t now_us = 1, taken = 0, credit = 0;
    unsigned seed = 1;

    h2_window_path_init(&path, &budget);
    h2_window_init(&window, FIRST);
    for (int i = 0; i < 200000; i++) {
        seed = seed * 1103515245 + 12345;
        size_t n = (seed >> 8) % 20000;
        now_us += (seed >> 4) % (i % 20000 < 15000 ? 2000 : 200000);
        h2_window_path_received(&path, n, now_us);
        if (seed % 5 == 0)
            h2_window_path_answered(&path, now_us);
        credit += h2_window_take(&window, &path, n, seed % 3 == 0, now_us);
        taken += n;
        CHECK_INT(credit, taken + window.size - FIRST);
        CHECK_INT(budget.used, window.size - FIRST);
        CHECK(window.size >= FIRST && window.size <= H2_WINDOW_MAX);
    }
    h2_window_done(&window, &path);
    h2_window_done(&window, &path);
    CHECK_INT(budget.used, 0);
}

static void the_smallest_round_trip_is_forgotten_when_the_path_gets_longer(void) {
    struct h2_window_budget budget = { .limit = MIB };
    struct h2_window_path path;
    uint64_t now_us = 1000;

    h2_window_path_init(&path, &budget);
    CHECK_INT(h2_window_path_us(&path), 0);
    h2_window_path_answered(&path, now_us); /* to nothing that was asked */
    CHECK_INT(h2_window_path_us(&path), 0);
    CHECK(!h2_window_path_received(&path, FIRST - 1, now_us));
    for (int i = 0; i < 60; i++) {
        CHECK(h2_window_path_received(&path, FIRST, now_us));
        CHECK(!h2_window_path_received(&path, FIRST, now_us)); /* one at a time */
        h2_window_path_answered(&path, now_us + (i < 5 ? 5000 : 50000));
        CHECK(!h2_window_path_received(&path, FIRST, now_us + 60000));
        now_us += 1000000;
        if (i < 10)
            CHECK_INT(h2_window_path_us(&path), 5000);
    }
    CHECK_INT(h2_window_path_us(&path), 50000);
}

TESTS(TEST(a_far_and_wide_path_gets_the_largest_window),
      TEST(a_window_stops_where_the_path_is_full),
      TEST(nothing_grows_on_a_near_path),
      TEST(nothing_grows_without_a_budget),
      TEST(a_slow_reader_keeps_the_first_window),
      TEST(streams_that_nobody_reads_take_nothing_from_one_that_grows),
      TEST(small_calls_beside_bulk_keep_their_windows),
      TEST(the_budget_is_never_exceeded),
      TEST(a_stream_that_became_slow_gives_its_window_back),
      TEST(credit_follows_the_window),
      TEST(the_smallest_round_trip_is_forgotten_when_the_path_gets_longer))
