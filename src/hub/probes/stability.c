#include "hub/probes/stability.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/hex.h"
#include "base/latency.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/link/session.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/probes/echo.h"
#include "hub/probes/echo_gate.h"
#include "hub/probes/latency_message.h"
#include "hub/probes/stability_chart.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "roost/v1/transfer.pb-c.h"
#include "rpc/client.h"
#include "rpc/invocation.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    ID_BYTES = 8,
    INTERVAL_USUAL_MS = 200,
    INTERVAL_MIN_MS = 10,
    INTERVAL_MAX_MS = 10000,
    SECONDS_USUAL = 60,
    SECONDS_MAX = 86400,
    BYTES_USUAL = 64,
    BYTES_MIN = 32,
    BYTES_MAX = 1400,
    CHUNK_MAX = 10000,        /* answers in one report */
    OUTAGES_MAX = 1000,       /* in a report */
    RETRY_MS = 1000,          /* between tries to attach again */
    PATIENCE_MS = 15 * 60000, /* for a node that is away when its test is over */
    KEEP_MS = 3600000,
    ROOM_LEAST = 1024,
};

struct stability {
    struct list node;
    struct stabilities *tests; /* borrowed: outlives it */
    char id[2 * ID_BYTES + 1];
    char *name; /* owned: the node's */
    struct list watchers;
    struct client_call *feed; /* owned; NULL while the link is away, and at the end */
    struct echo_pass *pass;   /* owned; NULL once it is over */
    struct timer timer;       /* tries again, or ends what is kept */
    struct timer patience;
    size_t size;
    uint32_t interval_ms; /* 0: not known yet */
    uint32_t planned;
    uint32_t sent;
    int64_t started_ms;
    float *rtts_ms; /* owned */
    size_t count;
    size_t room;
    size_t lost;
    struct latency latency;
    struct latency_outage *outages; /* owned */
    size_t outage_count;
    size_t run;    /* lost packets up to now, in a row */
    bool is_begun; /* the agent has it */
    bool wants_end;
    bool is_over;
    enum grpc_status status;          /* of the end */
    char *why;                        /* owned; "" */
    struct stability_chart *painting; /* borrowed: until it is painted */
    struct buf png;
    bool is_painted; /* or cannot be */
};

/* Who is told. */
struct watcher {
    struct list node;
    struct stability *test;        /* borrowed: outlives it */
    struct invocation *invocation; /* borrowed: until on_gone */
    size_t next;                   /* the first answer that was not told */
    bool begun;
    bool chart;
};

static void feed(struct stability *test);

/* --- reports --- */

struct report {
    Roost__V1__StabilityReport message;
    Google__Protobuf__Timestamp started;
    Roost__V1__Latency latency;
    Roost__V1__Outage *outages;
    Roost__V1__Outage **pointers;
    Google__Protobuf__Timestamp *times;
};

static void fill_outages(struct report *report, const struct stability *test) {
    size_t count = test->outage_count < OUTAGES_MAX ? test->outage_count : OUTAGES_MAX;

    report->outages = mem_new_array(count, sizeof(*report->outages));
    report->pointers = mem_new_array(count, sizeof(*report->pointers));
    report->times = mem_new_array(2 * count, sizeof(*report->times));
    for (size_t i = 0; i < count; i++) {
        const struct latency_outage *from = &test->outages[i];
        Roost__V1__Outage *out = report->pointers[i] = &report->outages[i];
        int64_t start_ms = test->started_ms + (int64_t)from->first * test->interval_ms;
        int64_t end_ms = start_ms + (int64_t)from->count * test->interval_ms;
        roost__v1__outage__init(out);
        out->start = timestamp_set(&report->times[2 * i], start_ms);
        out->end = timestamp_set(&report->times[2 * i + 1], end_ms);
        out->lost = (uint32_t)from->count;
    }
    report->message.outages = report->pointers;
    report->message.n_outages = count;
}

static void report_init(struct report *report, const struct stability *test) {
    Roost__V1__StabilityReport *message = &report->message;

    roost__v1__stability_report__init(message);
    message->test_id = pb_lend(test->id);
    message->interval_ms = test->interval_ms;
    message->planned = test->planned;
    message->sent = test->sent;
    message->size = (uint32_t)test->size;
    message->lost = (uint32_t)test->lost;
    if (test->started_ms)
        message->started = timestamp_set(&report->started, test->started_ms);
    if (test->count > 0)
        message->loss_percent = 100.0 * (double)test->lost / (double)test->count;
    latency_message_fill(&test->latency, &report->latency);
    message->rtt = &report->latency;
    fill_outages(report, test);
}

static void report_done(struct report *report) {
    free(report->outages);
    free(report->pointers);
    free(report->times);
}

static void on_painted(void *arg, int result, struct slice png);

/* Somebody wants a picture, and the test is over. */
static void paint(struct stability *test) {
    auto_(mem_freep) char *title =
        mem_printf("%s \u00b7 round trips to the hub", test->name);
    auto_(mem_freep) char *subtitle =
        mem_printf("%zu of %u lost (%.2f %%), %.1f ms mean, %.1f ms p99, %.1f ms jitter, "
                   "%zu outages",
                   test->lost, test->sent,
                   test->count > 0 ? 100.0 * (double)test->lost / (double)test->count : 0,
                   latency_mean(&test->latency), latency_percentile(&test->latency, 99),
                   latency_jitter(&test->latency), test->outage_count);
    struct stability_chart_config config = {
        .title = title,
        .subtitle = subtitle,
        .started_ms = test->started_ms,
        .interval_ms = test->interval_ms,
        .outage_ms = STABILITY_OUTAGE_MS,
        .rtts_ms = test->rtts_ms,
        .count = test->count,
        .on_painted = on_painted,
        .arg = test,
    };

    test->painting = stability_chart_start(test->tests->painters, &config);
    test->is_painted = !test->painting;
}

/* The last report. The watcher is gone behind it. */
static void tell_end(struct watcher *watcher) {
    const struct stability *test = watcher->test;
    struct report report;

    report_init(&report, test);
    report.message.done = true;
    report.message.first = (uint32_t)watcher->next;
    if (watcher->chart) {
        report.message.chart_png.data = test->png.data;
        report.message.chart_png.len = test->png.len;
    }
    if (test->is_begun)
        invocation_send(watcher->invocation, &report.message.base);
    report_done(&report);
    invocation_finish(watcher->invocation, test->status, "%s", test->why);
}

static void tell_some(struct watcher *watcher, size_t count) {
    struct stability *test = watcher->test;
    struct report report;

    report_init(&report, test);
    report.message.first = (uint32_t)watcher->next;
    report.message.rtts_ms = count > 0 ? test->rtts_ms + watcher->next : NULL;
    report.message.n_rtts_ms = count;
    watcher->next += count;
    watcher->begun = true;
    invocation_send(watcher->invocation, &report.message.base);
    report_done(&report);
}

/* Tells what it has not heard, as long as it takes it. May be gone behind it. */
static void tell(struct watcher *watcher) {
    struct stability *test = watcher->test;

    while (invocation_waiting(watcher->invocation) == 0) {
        size_t count = test->count - watcher->next;
        if (count > 0 || (test->is_begun && !watcher->begun && !test->is_over)) {
            tell_some(watcher, count > CHUNK_MAX ? CHUNK_MAX : count);
            continue;
        }
        bool needs_picture = watcher->chart && test->is_begun && !test->is_painted;
        if (test->is_over && needs_picture && !test->painting)
            paint(test);
        if (test->is_over && (!needs_picture || test->is_painted))
            tell_end(watcher);
        return;
    }
}

static void tell_all(struct stability *test) {
    list_for_each_safe(node, after, &test->watchers)
        tell(container_of(node, struct watcher, node));
}

static void on_painted(void *arg, int result, struct slice png) {
    struct stability *test = arg;

    test->painting = NULL;
    test->is_painted = true;
    if (result == 0)
        buf_add_slice(&test->png, png);
    else
        log_warning("test %s: it cannot be drawn: %s", test->id, strerror(-result));
    tell_all(test);
}

static void on_drained(struct invocation *invocation, void *user) {
    struct watcher *watcher = user;

    if (watcher->test)
        tell(watcher);
}

static void on_watcher_gone(struct invocation *invocation, void *user) {
    struct watcher *watcher = user;

    list_remove(&watcher->node);
    free(watcher);
}

/* --- its life --- */

static void free_test(struct stability *test) {
    list_remove(&test->node);
    timer_stop(&test->timer);
    timer_stop(&test->patience);
    client_cancel(test->feed);
    echo_gate_dismiss(test->pass);
    stability_chart_forget(test->painting);
    buf_done(&test->png);
    free(test->name);
    free(test->why);
    free(test->rtts_ms);
    free(test->outages);
    free(test);
}

/* Results that nobody listens to go, the oldest first, until there is room. */
static void make_place(struct stabilities *tests) {
    size_t count = 0;

    list_for_each_safe(node, after, &tests->tests) count++;
    list_for_each_safe(node, after, &tests->tests) {
        struct stability *test = container_of(node, struct stability, node);
        if (count < STABILITY_KEPT_MAX)
            return;
        if (!test->is_over || !list_is_empty(&test->watchers))
            continue;
        free_test(test);
        count--;
    }
}

static void end(struct stability *test, enum grpc_status status, const char *why) {
    if (test->is_over)
        return;
    test->is_over = true;
    test->status = status;
    test->why = mem_strdup(why);
    test->feed = client_cancel(test->feed);
    test->pass = echo_gate_dismiss(test->pass);
    timer_stop(&test->patience);
    timer_start(test->tests->loop, &test->timer, KEEP_MS);
    tell_all(test);
}

static void on_timer(struct timer *timer) {
    struct stability *test = container_of(timer, struct stability, timer);

    if (!test->is_over)
        feed(test);
    else if (list_is_empty(&test->watchers))
        free_test(test);
    else
        timer_start(test->tests->loop, timer, KEEP_MS);
}

static void on_patience(struct timer *timer) {
    struct stability *test = container_of(timer, struct stability, patience);
    end(test, GRPC_UNAVAILABLE, "the node has not come back with the rest of the test");
}

/* --- answers --- */

static void add_answer(struct stability *test, float rtt_ms) {
    bool is_lost = !(rtt_ms >= 0);
    size_t least = (STABILITY_OUTAGE_MS + test->interval_ms - 1) / test->interval_ms;

    if (test->count == test->room) {
        test->room = test->room ? 2 * test->room : ROOM_LEAST;
        test->rtts_ms = mem_grow(test->rtts_ms, test->room * sizeof(*test->rtts_ms));
    }
    test->rtts_ms[test->count++] = is_lost ? -1 : rtt_ms;
    if (!is_lost) {
        latency_add(&test->latency, (double)rtt_ms);
        test->run = 0;
        return;
    }
    test->lost++;
    test->run++;
    if (test->run == least) {
        test->outages =
            mem_grow(test->outages, (test->outage_count + 1) * sizeof(*test->outages));
        test->outages[test->outage_count++].first = test->count - least;
    }
    if (test->run >= least)
        test->outages[test->outage_count - 1].count = test->run;
}

/* Of a hostile agent nothing is believed that does not fit. */
static bool take_report(struct stability *test,
                        const Roost__V1__StabilityReport *report) {
    if (report->interval_ms < INTERVAL_MIN_MS || report->interval_ms > INTERVAL_MAX_MS ||
        report->planned > STABILITY_COUNT_MAX || report->size < BYTES_MIN ||
        report->size > BYTES_MAX || report->first != test->count ||
        report->n_rtts_ms > report->planned - test->count ||
        (test->is_begun && report->interval_ms != test->interval_ms))
        return false;
    test->interval_ms = report->interval_ms;
    test->planned = report->planned;
    test->sent = report->sent;
    test->size = report->size;
    if (test->pass && !test->is_begun)
        echo_gate_fit(test->pass, test->size, test->interval_ms);
    if (report->started && !test->is_begun)
        test->started_ms = timestamp_get(report->started);
    test->is_begun = true;
    for (size_t i = 0; i < report->n_rtts_ms; i++)
        add_answer(test, report->rtts_ms[i]);
    return true;
}

static void on_report(void *user, struct slice message) {
    struct stability *test = user;
    ProtobufCMessage *unpacked = NULL;

    if (pb_unpack(&roost__v1__stability_report__descriptor, message, &unpacked) != 0) {
        end(test, GRPC_INTERNAL, "the node's report cannot be read");
        return;
    }
    const Roost__V1__StabilityReport *report =
        (const Roost__V1__StabilityReport *)unpacked;
    bool is_good = test->count <= report->planned && take_report(test, report);
    bool is_done = is_good && report->done;
    pb_free(unpacked);
    if (!is_good)
        end(test, GRPC_INTERNAL, "the node's report does not fit the test");
    else if (is_done)
        end(test, GRPC_OK, "");
    else
        tell_all(test);
}

static void on_feed_done(void *user,
                         enum grpc_status status,
                         const char *message,
                         const struct headers *trailers) {
    struct stability *test = user;
    bool is_away =
        status == GRPC_UNAVAILABLE || status == GRPC_CANCELLED || status == GRPC_OK;

    test->feed = NULL;
    if (test->is_over)
        return;
    if (is_away)
        timer_start(test->tests->loop, &test->timer, RETRY_MS);
    else if (status == GRPC_NOT_FOUND && test->is_begun)
        end(test, GRPC_ABORTED, "the agent was restarted, and the test ended with it");
    else
        end(test, status, message);
}

static const struct client_events feed_events = {
    .on_message = on_report,
    .on_done = on_feed_done,
};

static void fill_request(const struct stability *test,
                         Roost__V1__DatagramsRequest *request) {
    const char *host = test->tests->udp_host;

    roost__v1__datagrams_request__init(request);
    request->test_id = pb_lend(test->id);
    if (!test->is_begun && test->interval_ms > 0) {
        request->interval_ms = test->interval_ms;
        request->count = test->planned;
        request->size = (uint32_t)test->size;
    }
    if (test->pass) {
        request->echo_id.data = (uint8_t *)(uintptr_t)echo_gate_id(test->pass);
        request->echo_id.len = ECHO_GATE_ID_LEN;
    }
    request->echo_port = echo_port(test->tests->echo);
    if (request->echo_port == 0)
        request->echo_port = 1; /* of a test that is over: nothing is sent */
    request->echo_host = pb_lend(host);
    request->from = (uint32_t)test->count;
    request->end = test->wants_end;
}

/* Asks the agent for what is not known, or again later. */
static void feed(struct stability *test) {
    const struct node *node = registry_find(test->tests->registry, test->name);
    Roost__V1__DatagramsRequest request;

    if (!node || !node->session) {
        timer_start(test->tests->loop, &test->timer, RETRY_MS);
        return;
    }
    if (test->pass)
        echo_gate_move(test->pass, node->address);
    struct client_request call = { .method = "/roost.v1.Transfer/Datagrams" };
    fill_request(test, &request);
    test->feed = client_start(test->tests->loop, session_target(node->session), &call,
                              &feed_events, test);
    client_send(test->feed, &request.base);
    client_end(test->feed);
}

/* --- requests --- */

static struct stability *find(const struct stabilities *tests,
                              const char *id,
                              const struct node *node) {
    list_for_each_safe(at, after, &tests->tests) {
        struct stability *test = container_of(at, struct stability, node);
        if (strcmp(test->id, id) == 0 && strcmp(test->name, node->name) == 0)
            return test;
    }
    return NULL;
}

/* id "": one of its own. */
static struct stability *make(struct stabilities *tests,
                              const struct node *node,
                              const char *id) {
    struct stability *test = mem_new(sizeof(*test));
    uint8_t random[ID_BYTES];

    make_place(tests);
    test->tests = tests;
    test->name = mem_strdup(node->name);
    test->timer.fire = on_timer;
    test->patience.fire = on_patience;
    list_init(&test->watchers);
    list_add_tail(&tests->tests, &test->node);
    if (id[0] != '\0') {
        memcpy(test->id, id, sizeof(test->id));
    } else {
        crypto_random(random, sizeof(random));
        hex_encode(test->id, random, sizeof(random));
    }
    return test;
}

/* NULL: it is fine. */
static const char *find_fault(const Roost__V1__StabilityRequest *request) {
    uint32_t interval_ms =
        request->interval_ms ? request->interval_ms : INTERVAL_USUAL_MS;
    uint32_t seconds = request->seconds ? request->seconds : SECONDS_USUAL;

    if (interval_ms < INTERVAL_MIN_MS || interval_ms > INTERVAL_MAX_MS)
        return "the interval is from 10 ms to 10 s";
    if (seconds > SECONDS_MAX)
        return "a test takes a day at most";
    if (request->size > 0 && (request->size < BYTES_MIN || request->size > BYTES_MAX))
        return "a datagram has from 32 to 1400 bytes";
    if ((uint64_t)seconds * 1000 / interval_ms > STABILITY_COUNT_MAX)
        return "a test has at most a million datagrams: choose a longer interval";
    if (seconds * 1000 < interval_ms)
        return "the test is shorter than its interval";
    return NULL;
}

/* NULL: the invocation was answered. */
static struct stability *begin(struct stabilities *tests,
                               struct invocation *invocation,
                               const struct node *node,
                               const Roost__V1__StabilityRequest *request,
                               const char *id) {
    const char *fault = find_fault(request);
    const struct stability *other = NULL;
    size_t running = 0;

    list_for_each_safe(at, after, &tests->tests) {
        const struct stability *test = container_of(at, struct stability, node);
        running += !test->is_over;
        if (!test->is_over && strcmp(test->name, node->name) == 0)
            other = test;
    }
    uint32_t interval_ms =
        request->interval_ms ? request->interval_ms : INTERVAL_USUAL_MS;
    size_t size = request->size ? request->size : BYTES_USUAL;
    if (fault)
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", fault);
    else if (other)
        invocation_finish(invocation, GRPC_FAILED_PRECONDITION,
                          "test %s of %s is running already", other->id, node->name);
    else if (running >= STABILITY_RUNNING_MAX)
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "%d tests are running already", STABILITY_RUNNING_MAX);
    else if (echo_port(tests->echo) == 0)
        invocation_finish(invocation, GRPC_FAILED_PRECONDITION,
                          "the hub has no UDP echo: [probe] udp_port in roost.conf; its "
                          "log says why");
    if (fault || other || running >= STABILITY_RUNNING_MAX || echo_port(tests->echo) == 0)
        return NULL;
    struct echo_pass *pass =
        echo_gate_admit(echo_passes(tests->echo), node->address, size, interval_ms);
    if (!pass) {
        invocation_finish(invocation, GRPC_FAILED_PRECONDITION,
                          "the link of %s has no address that datagrams could come from",
                          node->name);
        return NULL;
    }
    struct stability *test = make(tests, node, id);
    uint64_t seconds = request->seconds ? request->seconds : SECONDS_USUAL;
    test->pass = pass;
    test->size = size;
    test->interval_ms = interval_ms;
    test->planned = (uint32_t)(seconds * 1000 / interval_ms);
    timer_start(tests->loop, &test->patience, seconds * 1000 + PATIENCE_MS);
    return test;
}

/* A test that only the agent knows, of before this hub was started. Its first report
 * says what the pass is for. */
static struct stability *attach(struct stabilities *tests,
                                struct invocation *invocation,
                                const struct node *node,
                                const Roost__V1__StabilityRequest *request) {
    uint8_t bytes[ID_BYTES];

    if (!hex_decode(bytes, ID_BYTES, request->test_id)) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "\"%s\" is no test's id",
                          request->test_id);
        return NULL;
    }
    struct stability *test = make(tests, node, request->test_id);
    test->pass = echo_gate_admit(echo_passes(tests->echo), node->address, BYTES_USUAL,
                                 INTERVAL_USUAL_MS);
    timer_start(tests->loop, &test->patience, SECONDS_MAX * UINT64_C(1000));
    return test;
}

/* The test of an operation has the same id whenever and by whichever hub it is begun: an
 * agent that has it goes on with it. */
static void derive_id(const char *operation_id,
                      const struct node *node,
                      char ret_id[static 2 * ID_BYTES + 1]) {
    auto_(mem_freep) char *seed = mem_printf("%s %s", node->name, operation_id);
    uint8_t digest[CRYPTO_SHA256_LEN];

    crypto_sha256(seed, strlen(seed), digest);
    hex_encode(ret_id, digest, ID_BYTES);
}

/* The test that is asked for, of those that this hub knows; NULL. ret_id: "" or the id
 * that a new one is to have. */
static struct stability *look_up(const struct stabilities *tests,
                                 const struct node *node,
                                 const Roost__V1__StabilityRequest *request,
                                 char ret_id[static 2 * ID_BYTES + 1]) {
    ret_id[0] = '\0';
    if (request->test_id[0] != '\0')
        return find(tests, request->test_id, node);
    if (request->operation_id[0] == '\0')
        return NULL;
    derive_id(request->operation_id, node, ret_id);
    return find(tests, ret_id, node);
}

void stability_serve(struct stabilities *tests,
                     struct invocation *invocation,
                     const struct node *node,
                     const Roost__V1__StabilityRequest *request) {
    bool is_named = request->test_id[0] != '\0';
    char id[2 * ID_BYTES + 1];
    struct stability *test = look_up(tests, node, request, id);
    bool is_new = !test;

    if (is_new && is_named)
        test = attach(tests, invocation, node, request);
    else if (is_new)
        test = begin(tests, invocation, node, request, id);
    if (!test)
        return;
    struct watcher *watcher = mem_new(sizeof(*watcher));
    *watcher = (struct watcher) {
        .test = test,
        .invocation = invocation,
        .chart = request->chart,
    };
    list_add_tail(&test->watchers, &watcher->node);
    invocation_set_user(invocation, watcher, on_watcher_gone);
    invocation_on_drained(invocation, on_drained);
    bool ends = request->end && !test->is_over && !test->wants_end;
    test->wants_end |= request->end;
    if (ends)
        test->feed = client_cancel(test->feed);
    if ((is_new || ends) && !timer_is_running(&test->timer))
        feed(test);
    if (!is_new)
        tell(watcher);
}

void stability_forget_all(struct stabilities *tests, const char *why) {
    list_for_each_safe(at, after, &tests->tests) {
        struct stability *test = container_of(at, struct stability, node);
        struct list *node;
        while ((node = list_pop(&test->watchers))) {
            struct watcher *watcher = container_of(node, struct watcher, node);
            watcher->test = NULL; /* its end, which comes later, frees it */
            invocation_finish(watcher->invocation, GRPC_UNAVAILABLE, "%s", why);
        }
        free_test(test);
    }
}
