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
#include "hub/probes/stability_chart.h"
#include "hub/probes/stability_result.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "roost/v1/transfer.pb-c.h"
#include "rpc/client.h"
#include "rpc/invocation.h"
#include "wire/pb.h"

enum {
    ID_BYTES = 8,
    INTERVAL_USUAL_MS = 200,
    SECONDS_USUAL = 60,
    SECONDS_MAX = 86400,
    BYTES_USUAL = 64,
    CHUNK_MAX = 10000,        /* answers in one report */
    RETRY_MS = 1000,          /* between tries to attach again */
    PATIENCE_MS = 15 * 60000, /* for a node that is away when its test is over */
    KEEP_MS = 3600000,
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
    struct stability_result result;
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

static void on_painted(void *arg, int result, struct slice png);

/* Somebody wants a picture, and the test is over. */
static void paint(struct stability *test) {
    auto_(mem_freep) char *title =
        mem_printf("%s \u00b7 round trips to the hub", test->name);
    auto_(mem_freep) char *subtitle =
        mem_printf("%zu of %u lost (%.2f %%), %.1f ms mean, %.1f ms p99, %.1f ms jitter, "
                   "%zu outages",
                   test->result.lost, test->result.sent,
                   test->result.count > 0
                       ? 100.0 * (double)test->result.lost / (double)test->result.count
                       : 0,
                   latency_mean(&test->result.latency),
                   latency_percentile(&test->result.latency, 99),
                   latency_jitter(&test->result.latency), test->result.outage_count);
    struct stability_chart_config config = {
        .title = title,
        .subtitle = subtitle,
        .started_ms = test->result.started_ms,
        .interval_ms = test->result.interval_ms,
        .outage_ms = STABILITY_OUTAGE_MS,
        .rtts_ms = test->result.rtts_ms,
        .count = test->result.count,
        .on_painted = on_painted,
        .arg = test,
    };

    test->painting = stability_chart_start(test->tests->painters, &config);
    test->is_painted = !test->painting;
}

/* The last report. The watcher is gone behind it. */
static void tell_end(struct watcher *watcher) {
    const struct stability *test = watcher->test;
    struct stability_result_report report;

    stability_result_fill(&test->result, test->id, &report);
    report.message.done = true;
    report.message.first = (uint32_t)watcher->next;
    if (watcher->chart) {
        report.message.chart_png.data = test->png.data;
        report.message.chart_png.len = test->png.len;
    }
    if (test->result.is_begun)
        invocation_send(watcher->invocation, &report.message.base);
    stability_result_report_done(&report);
    invocation_finish(watcher->invocation, test->status, "%s", test->why);
}

static void tell_some(struct watcher *watcher, size_t count) {
    struct stability *test = watcher->test;
    struct stability_result_report report;

    stability_result_fill(&test->result, test->id, &report);
    report.message.first = (uint32_t)watcher->next;
    report.message.rtts_ms = count > 0 ? test->result.rtts_ms + watcher->next : NULL;
    report.message.n_rtts_ms = count;
    watcher->next += count;
    watcher->begun = true;
    invocation_send(watcher->invocation, &report.message.base);
    stability_result_report_done(&report);
}

/* Tells what it has not heard, as long as it takes it. May be gone behind it. */
static void tell(struct watcher *watcher) {
    struct stability *test = watcher->test;

    while (invocation_waiting(watcher->invocation) == 0) {
        size_t count = test->result.count - watcher->next;
        if (count > 0 || (test->result.is_begun && !watcher->begun && !test->is_over)) {
            tell_some(watcher, count > CHUNK_MAX ? CHUNK_MAX : count);
            continue;
        }
        bool needs_picture = watcher->chart && test->result.is_begun && !test->is_painted;
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
    stability_result_done(&test->result);
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

static void on_report(void *user, struct slice message) {
    struct stability *test = user;
    ProtobufCMessage *unpacked = NULL;

    if (pb_unpack(&roost__v1__stability_report__descriptor, message, &unpacked) != 0) {
        end(test, GRPC_INTERNAL, "the node's report cannot be read");
        return;
    }
    const Roost__V1__StabilityReport *report =
        (const Roost__V1__StabilityReport *)unpacked;
    bool is_first = !test->result.is_begun;
    bool is_good = stability_result_take(&test->result, report);
    bool is_done = is_good && report->done;
    pb_free(unpacked);
    if (is_good && is_first && test->pass)
        echo_gate_fit(test->pass, test->result.size, test->result.interval_ms);
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
    else if (status == GRPC_NOT_FOUND && test->result.is_begun)
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
    if (!test->result.is_begun && test->result.interval_ms > 0) {
        request->interval_ms = test->result.interval_ms;
        request->count = test->result.planned;
        request->size = (uint32_t)test->result.size;
    }
    if (test->pass) {
        request->echo_id.data = (uint8_t *)(uintptr_t)echo_gate_id(test->pass);
        request->echo_id.len = ECHO_GATE_ID_LEN;
    }
    request->echo_port = echo_port(test->tests->echo);
    if (request->echo_port == 0)
        request->echo_port = 1; /* of a test that is over: nothing is sent */
    request->echo_host = pb_lend(host);
    request->from = (uint32_t)test->result.count;
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

    if (interval_ms < STABILITY_INTERVAL_MIN_MS ||
        interval_ms > STABILITY_INTERVAL_MAX_MS)
        return "the interval is from 10 ms to 10 s";
    if (seconds > SECONDS_MAX)
        return "a test takes a day at most";
    if (request->size > 0 &&
        (request->size < STABILITY_BYTES_MIN || request->size > STABILITY_BYTES_MAX))
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
    test->result.size = size;
    test->result.interval_ms = interval_ms;
    test->result.planned = (uint32_t)(seconds * 1000 / interval_ms);
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
