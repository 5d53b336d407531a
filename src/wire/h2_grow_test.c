/* Windows that grow and shrink between two sessions, at the ends of a long path. */
#include "wire/h2_testing.h"
#include "wire/h2_window.h"

enum { FIRST = 65536, HALF_TRIP_US = 50000, TRIPS = 200 };

struct path {
    struct h2_testing_pair pair;
    struct h2_window_budget budget;
    uint64_t now_us;
    uint64_t sent;  /* bytes by the server */
    uint64_t taken; /* by the client */
    uint8_t next;   /* byte that it expects */
};

static struct path new_path(void) {
    return (struct path) { .budget.limit = 64 << 20, .now_us = 1 };
}

static void open_path(struct path *path) {
    struct h2_limits near = h2_testing_limits, far = h2_testing_limits;
    far.windows = &path->budget;
    path->pair.server = h2_new(H2_SERVER, &near);
    path->pair.client = h2_new(H2_CLIENT, &far);
}

static void pass_half(struct path *path) {
    path->now_us += HALF_TRIP_US;
    h2_tick(path->pair.client, path->now_us);
    h2_tick(path->pair.server, path->now_us);
}

/* The sender fills what may leave. */
static void send_all(struct path *path, struct h2_stream *stream) {
    uint8_t bytes[256];
    size_t room;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    do {
        while ((room = h2_stream_room(stream)) >= sizeof(bytes)) {
            h2_stream_write(stream, slice_of(bytes, sizeof(bytes)));
            path->sent += sizeof(bytes);
        }
    } while (h2_testing_carry(path->pair.server, path->pair.client));
}

/* The receiver takes so much of what is there, and looks whether it is what comes next.
 */
static size_t take(struct path *path, struct h2_stream *stream, size_t max) {
    size_t len = 0;

    while (stream->in.len > 0 && len < max) {
        struct slice run = pipe_peek(&stream->in);
        size_t n = run.len < max - len ? run.len : max - len;
        CHECK_INT(run.at[0], path->next);
        CHECK_INT(run.at[n - 1], (uint8_t)(path->next + n - 1));
        path->next = (uint8_t)(path->next + n);
        pipe_drop(&stream->in, n);
        h2_stream_consume(stream, n);
        len += n;
    }
    path->taken += len;
    return len;
}

/* One round trip; returns the bytes that the receiver took in it. */
static size_t trip(struct path *path,
                   struct h2_stream *from,
                   struct h2_stream *to,
                   size_t max) {
    send_all(path, from);
    pass_half(path);
    size_t len = take(path, to, max);
    pass_half(path);
    h2_testing_carry(path->pair.client, path->pair.server);
    h2_testing_carry(path->pair.server, path->pair.client); /* the answer to the PING */
    return len;
}

static struct h2_stream *open_stream(struct path *path, struct h2_stream **ret_far) {
    struct h2_stream *stream = h2_testing_ask(path->pair.client, false);
    h2_testing_talk(&path->pair);
    struct h2_stream *far = h2_next(path->pair.server);
    h2_testing_answer(far, true);
    *ret_far = far;
    return stream;
}

static void a_stream_over_a_long_path_grows_and_gives_back(void) {
    struct path path = new_path();
    struct h2_stream *far;
    size_t best = 0;

    open_path(&path);
    struct h2_stream *stream = open_stream(&path, &far);
    for (int i = 0; i < 40; i++)
        best = trip(&path, far, stream, SIZE_MAX);
    CHECK_INT(best, H2_WINDOW_MAX);
    CHECK_INT(path.budget.used, H2_WINDOW_MAX - FIRST);

    for (int i = 0; i < 1500; i++) /* 100 KB/s */
        CHECK(trip(&path, far, stream, 10000) > 0);
    CHECK(path.budget.used < 2 << 20);
    for (int i = 0; i < 20; i++) /* nothing is taken: what is charged is what can come */
        trip(&path, far, stream, 0);
    CHECK(stream->in.len <= path.budget.used + FIRST);

    size_t again = 0;
    for (int i = 0; i < 100; i++)
        again = trip(&path, far, stream, SIZE_MAX);
    CHECK(again >= H2_WINDOW_MAX / 16 * 15); /* credit comes in sixteenths */
    CHECK_INT(path.budget.used, H2_WINDOW_MAX - FIRST);
    h2_stream_release(stream);
    CHECK_INT(path.budget.used, 0);
    h2_stream_release(far);
    h2_testing_pair_free(&path.pair);
}

/* However the reader behaves, nothing is lost and nothing stands still. */
static void a_window_that_changes_all_the_time_never_hangs(void) {
    struct path path = new_path();
    struct h2_stream *far;
    unsigned seed = 7;

    open_path(&path);
    struct h2_stream *stream = open_stream(&path, &far);
    for (int i = 0; i < TRIPS * 5; i++) {
        seed = seed * 1103515245 + 12345;
        size_t max = i / 100 % 2 ? SIZE_MAX : 1 + (seed >> 8) % 30000;
        CHECK(trip(&path, far, stream, max) > 0);
        path.budget.limit = i % 50 < 25 ? 1 << 20 : 20 << 20;
    }
    CHECK(path.taken > 0 && path.taken <= path.sent);
    h2_testing_pair_free(&path.pair);
    CHECK_INT(path.budget.used, 0); /* the connection ended before the stream */
    h2_stream_release(stream);
    h2_stream_release(far);
}

static void nothing_grows_where_the_answer_comes_at_once(void) {
    struct path path = new_path();
    struct h2_stream *far;

    open_path(&path);
    struct h2_stream *stream = open_stream(&path, &far);
    for (int i = 0; i < TRIPS; i++) {
        send_all(&path, far);
        take(&path, stream, SIZE_MAX);
        h2_testing_talk(&path.pair);
        path.now_us += 100;
        h2_tick(path.pair.client, path.now_us);
    }
    CHECK_INT(path.budget.used, 0);
    h2_testing_pair_free(&path.pair);
    h2_stream_release(stream);
    h2_stream_release(far);
}

TESTS(TEST(a_stream_over_a_long_path_grows_and_gives_back),
      TEST(a_window_that_changes_all_the_time_never_hangs),
      TEST(nothing_grows_where_the_answer_comes_at_once))
