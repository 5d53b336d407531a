#include "agent/probe/datagrams.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/udp.h"
#include "rpc/invocation.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    ID_MAX = 64,       /* characters of a test's name */
    LATE_MS = 2000,    /* for how long an answer counts */
    END_MS = 1000,     /* the same behind the last datagram */
    REPORT_MS = 500,   /* how often what is known is told */
    CHUNK_MAX = 10000, /* answers in one report */
    OPEN_MAX = 1024,   /* datagrams that may be without an answer: 10 s at 10 ms */
    BURST_MAX = 32,    /* datagrams that are sent at once when it was late */
    BURST_MS = 5,      /* ... and how soon the next of them follow */
    KEEP_MS = 3600000, /* for how long a result is kept */
    KEPT_MAX = 4,      /* results: 16 MiB of the longest */
    ROOM_LEAST = 256,  /* answers, to begin with */
};

static const float LOST = -1;
static const float OPEN = -2; /* it may still come */

struct test {
    struct list node;
    struct loop *loop; /* borrowed: outlives it */
    char id[ID_MAX + 1];
    uint8_t echo_id[DATAGRAMS_ID_LEN];
    struct sockaddr_storage to;
    struct udp *udp; /* owned; NULL once it is over */
    struct timer tick;
    struct timer report;
    struct list streams; /* of struct stream */
    uint64_t interval_us;
    uint64_t started_us;
    uint64_t last_us; /* when the last one was sent */
    int64_t started_ms;
    size_t size;
    size_t planned;
    size_t sent;
    size_t settled; /* so many answers came or are lost for good */
    float *rtts_ms; /* owned */
    size_t room;
    uint64_t sent_us[OPEN_MAX]; /* of number n at n % OPEN_MAX */
    uint64_t ended_ms;          /* loop time; 0: it runs */
};

/* Who is told. */
struct stream {
    struct list node;
    struct test *test;             /* borrowed: outlives its streams */
    struct invocation *invocation; /* borrowed: until on_gone */
    size_t next;                   /* the first answer that was not told */
    bool begun;
};

struct datagrams {
    struct loop *loop;  /* borrowed: outlives it */
    struct list tests;  /* owned: of struct test, the oldest first */
    struct timer clean; /* runs while there are results */
};

/* --- reports --- */

static void fill_report(const struct stream *stream,
                        size_t count,
                        Google__Protobuf__Timestamp *started,
                        Roost__V1__StabilityReport *report) {
    const struct test *test = stream->test;

    report->test_id = pb_lend(test->id);
    report->started = timestamp_set(started, test->started_ms);
    report->interval_ms = (uint32_t)(test->interval_us / 1000);
    report->planned = (uint32_t)test->planned;
    report->size = (uint32_t)test->size;
    report->sent = (uint32_t)test->sent;
    report->first = (uint32_t)stream->next;
    report->rtts_ms = count > 0 ? test->rtts_ms + stream->next : NULL;
    report->n_rtts_ms = count;
    report->done = test->ended_ms > 0 && stream->next + count == test->settled;
}

/* Tells what it has not heard, as long as it takes it. May be gone behind it. */
static void tell(struct stream *stream) {
    const struct test *test = stream->test;
    bool is_done = false;

    while (!is_done && invocation_waiting(stream->invocation) == 0) {
        Roost__V1__StabilityReport report = ROOST__V1__STABILITY_REPORT__INIT;
        Google__Protobuf__Timestamp started;
        size_t count = test->settled - stream->next;
        if (count > CHUNK_MAX)
            count = CHUNK_MAX;
        if (stream->begun && count == 0 && test->ended_ms == 0)
            return;
        fill_report(stream, count, &started, &report);
        stream->next += count;
        stream->begun = true;
        is_done = report.done;
        invocation_send(stream->invocation, &report.base);
    }
    if (is_done)
        invocation_finish(stream->invocation, GRPC_OK, "%s", "");
}

static void on_drained(struct invocation *invocation, void *user) {
    struct stream *stream = user;

    if (stream->test)
        tell(stream);
}

static void on_stream_gone(struct invocation *invocation, void *user) {
    struct stream *stream = user;

    list_remove(&stream->node);
    free(stream);
}

static void tell_all(struct test *test) {
    list_for_each_safe(node, after, &test->streams)
        tell(container_of(node, struct stream, node));
}

/* --- a test --- */

/* Numbers whose answers cannot count any more are lost. */
static void settle(struct test *test, uint64_t late_us) {
    uint64_t now_us = loop_clock_us();

    while (test->settled < test->sent) {
        float *rtt = &test->rtts_ms[test->settled];
        if (*rtt == OPEN && now_us - test->sent_us[test->settled % OPEN_MAX] < late_us)
            return;
        if (*rtt == OPEN)
            *rtt = LOST;
        test->settled++;
    }
}

static void end_test(struct test *test) {
    if (test->ended_ms > 0)
        return;
    settle(test, 0);
    timer_stop(&test->tick);
    timer_stop(&test->report);
    test->udp = udp_close(test->udp);
    test->ended_ms = loop_now_ms(test->loop) + 1;
    log_info("test %s is over: %zu datagrams were sent", test->id, test->sent);
}

static void make_room(struct test *test) {
    if (test->sent < test->room)
        return;
    test->room = test->room ? test->room * 2 : ROOM_LEAST;
    test->rtts_ms = mem_grow(test->rtts_ms, test->room * sizeof(*test->rtts_ms));
}

static void send_one(struct test *test) {
    uint8_t bytes[DATAGRAMS_SIZE_MAX] = { 0 };
    size_t number = test->sent;

    if (test->sent - test->settled == OPEN_MAX) {
        if (test->rtts_ms[test->settled] == OPEN)
            test->rtts_ms[test->settled] = LOST;
        test->settled++;
    }
    make_room(test);
    memcpy(bytes, test->echo_id, DATAGRAMS_ID_LEN);
    for (int i = 0; i < 4; i++)
        bytes[DATAGRAMS_ID_LEN + i] = (uint8_t)(number >> (24 - 8 * i));
    test->last_us = loop_clock_us();
    test->sent_us[number % OPEN_MAX] = test->last_us;
    test->rtts_ms[number] = OPEN;
    test->sent++;
    udp_send(test->udp, &test->to, slice_of(bytes, test->size));
}

/* When the datagram is due, on loop_clock_us(). */
static uint64_t due_us(const struct test *test, size_t number) {
    return test->started_us + (uint64_t)number * test->interval_us;
}

static void on_tick(struct timer *timer) {
    struct test *test = container_of(timer, struct test, tick);
    uint64_t now_us = loop_clock_us();
    int burst = 0;

    while (test->sent < test->planned && due_us(test, test->sent) <= now_us &&
           burst < BURST_MAX) {
        send_one(test);
        burst++;
    }
    if (test->sent == test->planned && now_us >= test->last_us + END_MS * 1000) {
        end_test(test);
        tell_all(test);
        return;
    }
    uint64_t next_us = test->sent < test->planned ? due_us(test, test->sent)
                                                  : test->last_us + END_MS * 1000;
    uint64_t wait_ms = next_us > now_us ? (next_us - now_us + 999) / 1000 : BURST_MS;
    timer_start(test->loop, timer, wait_ms);
}

static void on_report(struct timer *timer) {
    struct test *test = container_of(timer, struct test, report);

    settle(test, LATE_MS * 1000);
    timer_start(test->loop, timer, REPORT_MS);
    tell_all(test);
}

static void on_datagram(void *arg,
                        const struct sockaddr_storage *from,
                        struct slice bytes) {
    struct test *test = arg;
    size_t number = 0;

    if (bytes.len != test->size ||
        !crypto_equal(bytes.at, test->echo_id, DATAGRAMS_ID_LEN))
        return;
    for (int i = 0; i < 4; i++)
        number = number << 8 | bytes.at[DATAGRAMS_ID_LEN + i];
    if (number < test->settled || number >= test->sent || test->rtts_ms[number] != OPEN)
        return;
    uint64_t took_us = loop_clock_us() - test->sent_us[number % OPEN_MAX];
    if (took_us < LATE_MS * 1000) /* settle() has it lost */
        test->rtts_ms[number] = (float)took_us / 1000;
}

static int open_socket(struct test *test, int family) {
    struct udp_config config = {
        .family = family,
        .on_datagram = on_datagram,
        .arg = test,
    };
    struct udp *udp;

    int r = udp_open(test->loop, &config, &udp);
    if (r < 0)
        return r;
    udp_close(test->udp);
    test->udp = udp;
    return 0;
}

static void free_test(struct test *test) {
    end_test(test);
    list_remove(&test->node);
    free(test->rtts_ms);
    free(test);
}

static int begin_test(struct datagrams *datagrams,
                      const Roost__V1__DatagramsRequest *request,
                      const struct sockaddr_storage *to,
                      struct test **ret_test) {
    struct test *test = mem_new(sizeof(*test));

    test->loop = datagrams->loop;
    int r = open_socket(test, to->ss_family);
    if (r < 0) {
        free(test);
        return r;
    }
    test->to = *to;
    snprintf(test->id, sizeof(test->id), "%s", request->test_id);
    test->interval_us = (uint64_t)request->interval_ms * 1000;
    test->planned = request->count;
    test->size = request->size;
    test->started_us = loop_clock_us();
    test->started_ms = clock_wall_ms();
    test->tick.fire = on_tick;
    test->report.fire = on_report;
    list_init(&test->streams);
    list_add_tail(&datagrams->tests, &test->node);
    timer_start(test->loop, &test->tick, 0);
    timer_start(test->loop, &test->report, REPORT_MS);
    *ret_test = test;
    return 0;
}

/* --- all tests --- */

static bool is_kept(const struct test *test, uint64_t now_ms) {
    return test->ended_ms == 0 || !list_is_empty(&test->streams) ||
           now_ms < test->ended_ms + KEEP_MS;
}

/* Old results go, and more than there is room for. */
static void clean(struct datagrams *datagrams, size_t keep) {
    uint64_t now_ms = loop_now_ms(datagrams->loop);
    size_t count = 0;

    list_for_each_safe(node, after, &datagrams->tests) count++;
    list_for_each_safe(node, after, &datagrams->tests) {
        struct test *test = container_of(node, struct test, node);
        bool is_over = test->ended_ms > 0 && list_is_empty(&test->streams);
        if (!is_kept(test, now_ms) || (is_over && count > keep)) {
            free_test(test);
            count--;
        }
    }
}

static void on_clean(struct timer *timer) {
    struct datagrams *datagrams = container_of(timer, struct datagrams, clean);

    clean(datagrams, KEPT_MAX);
    if (!list_is_empty(&datagrams->tests))
        timer_start(datagrams->loop, timer, KEEP_MS / 6);
}

struct datagrams *datagrams_new(struct loop *loop) {
    struct datagrams *datagrams = mem_new(sizeof(*datagrams));

    datagrams->loop = loop;
    datagrams->clean.fire = on_clean;
    list_init(&datagrams->tests);
    return datagrams;
}

static void finish_streams(struct test *test) {
    struct list *node;

    while ((node = list_pop(&test->streams))) {
        struct stream *stream = container_of(node, struct stream, node);
        stream->test = NULL; /* its end, which comes later, frees it */
        invocation_finish(stream->invocation, GRPC_UNAVAILABLE,
                          "the agent stops, and the test with it");
    }
}

void datagrams_stop(struct datagrams *datagrams) {
    timer_stop(&datagrams->clean);
    list_for_each_safe(node, after, &datagrams->tests) {
        struct test *test = container_of(node, struct test, node);
        finish_streams(test);
        free_test(test);
    }
}

struct datagrams *datagrams_free(struct datagrams *datagrams) {
    if (!datagrams)
        return NULL;
    datagrams_stop(datagrams);
    free(datagrams);
    return NULL;
}

static struct test *find(const struct datagrams *datagrams, const char *id) {
    list_for_each_safe(node, after, &datagrams->tests) {
        struct test *test = container_of(node, struct test, node);
        if (strcmp(test->id, id) == 0)
            return test;
    }
    return NULL;
}

static const struct test *find_running(const struct datagrams *datagrams) {
    list_for_each_safe(node, after, &datagrams->tests) {
        const struct test *test = container_of(node, struct test, node);
        if (test->ended_ms == 0)
            return test;
    }
    return NULL;
}

/* NULL: it can be begun. */
static const char *find_fault(const Roost__V1__DatagramsRequest *request) {
    size_t len = strlen(request->test_id);

    if (len == 0 || len > ID_MAX)
        return "a test has an id of 1 to 64 characters";
    if (request->echo_id.len != DATAGRAMS_ID_LEN)
        return "the echo's id has 16 bytes";
    if (request->interval_ms < DATAGRAMS_INTERVAL_MIN_MS ||
        request->interval_ms > DATAGRAMS_INTERVAL_MAX_MS)
        return "the interval is from 10 to 10000 ms";
    if (request->count < 1 || request->count > DATAGRAMS_COUNT_MAX)
        return "a test has from 1 to 1000000 datagrams";
    if (request->size < DATAGRAMS_SIZE_MIN || request->size > DATAGRAMS_SIZE_MAX)
        return "a datagram has from 32 to 1400 bytes";
    return NULL;
}

/* The test that is asked for; NULL: the invocation was answered. */
static struct test *choose(struct datagrams *datagrams,
                           struct invocation *invocation,
                           const Roost__V1__DatagramsRequest *request,
                           const struct sockaddr_storage *to) {
    struct test *test = find(datagrams, request->test_id);
    const struct test *other = find_running(datagrams);

    if (test)
        return test;
    const char *fault = request->interval_ms > 0 ? find_fault(request) : NULL;
    if (request->interval_ms == 0)
        invocation_finish(invocation, GRPC_NOT_FOUND,
                          "there is no test %s: results are kept for an hour, and until "
                          "the agent is restarted",
                          request->test_id);
    else if (fault)
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", fault);
    else if (other)
        invocation_finish(invocation, GRPC_FAILED_PRECONDITION,
                          "test %s is running on this node already", other->id);
    if (request->interval_ms == 0 || fault || other)
        return NULL;
    clean(datagrams, KEPT_MAX - 1);
    int r = begin_test(datagrams, request, to, &test);
    if (r < 0)
        invocation_finish(invocation, GRPC_INTERNAL, "no socket for datagrams: %s",
                          strerror(-r));
    else if (!timer_is_running(&datagrams->clean))
        timer_start(datagrams->loop, &datagrams->clean, KEEP_MS / 6);
    return r < 0 ? NULL : test;
}

/* The echo may be another one meanwhile: of a hub that was restarted, or is reached by
 * another family of addresses. */
static void follow_echo(struct test *test,
                        const Roost__V1__DatagramsRequest *request,
                        const struct sockaddr_storage *to) {
    if (request->echo_id.len != DATAGRAMS_ID_LEN || test->ended_ms > 0)
        return;
    if (test->to.ss_family != to->ss_family && open_socket(test, to->ss_family) < 0)
        return;
    memcpy(test->echo_id, request->echo_id.data, DATAGRAMS_ID_LEN);
    test->to = *to;
}

void datagrams_serve(struct datagrams *datagrams,
                     struct invocation *invocation,
                     const Roost__V1__DatagramsRequest *request,
                     const struct sockaddr_storage *to) {
    struct test *test = choose(datagrams, invocation, request, to);

    if (!test)
        return;
    follow_echo(test, request, to);
    if (request->end && test->ended_ms == 0) {
        test->planned = test->sent;
        timer_start(test->loop, &test->tick, 0); /* it waits for the next one */
    }
    struct stream *stream = mem_new(sizeof(*stream));
    *stream = (struct stream) {
        .test = test,
        .invocation = invocation,
        .next = request->from < test->settled ? request->from : test->settled,
    };
    list_add_tail(&test->streams, &stream->node);
    invocation_set_user(invocation, stream, on_stream_gone);
    invocation_on_drained(invocation, on_drained);
    tell(stream);
}
