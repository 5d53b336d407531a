#include "hub/probes/speed_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/speed_rate.h"
#include "hub/link/session.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/probes/latency_message.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "roost/v1/transfer.pb-c.h"
#include "rpc/client.h"
#include "rpc/invocation.h"
#include "wire/pb.h"

enum {
    SECONDS_USUAL = 8,
    SECONDS_MAX = 30,
    CHUNK = 32768,        /* bytes of one message */
    BATCH = 4,            /* messages that are sent at once */
    REPORT_MS = 500,      /* how often progress is told */
    IDLE_PING_MS = 50,    /* between an answer and the next question */
    LOADED_PING_MS = 100, /* the same beside bytes */
    IDLE_PINGS = 20,
    IDLE_MAX_MS = 3000,   /* a slow link gets fewer of them */
    DRAIN_MAX_MS = 20000, /* for what is on its way at the end of a direction */
    WAITING_MAX = 65536,  /* bytes that a caller who does not read may cost */
};

static const uint64_t BYTES_USUAL = UINT64_C(1) << 30;
static const uint64_t BYTES_MAX = UINT64_C(16) << 30;

enum phase { IDLE, DOWNLOAD, UPLOAD, PHASES };

static const char *const phase_names[] = { "idle", "download", "upload" };

struct speed_test {
    struct list node;
    struct speed_tests *tests;     /* borrowed: outlives it */
    struct invocation *invocation; /* borrowed: until on_gone */
    char *name;                    /* owned: the node's */
    struct client_call *echo;      /* owned; NULL once it ended */
    struct client_call *bulk;      /* owned; NULL between directions */
    struct timer ping;
    struct timer report;
    struct timer end; /* of the phase */
    struct buf chunk; /* a packed message of random bytes */
    enum phase phase;
    enum phase asked_in; /* the phase in which the question was asked */
    uint64_t asked_us;   /* 0: none is under way */
    uint32_t asked;      /* its number */
    uint64_t begun_us;   /* of the phase */
    uint64_t seconds;
    uint64_t bytes_max;
    uint64_t sent;
    bool is_draining; /* the direction is over, but for what is on its way */
    struct latency latency[PHASES];
    struct speed_rate rates[PHASES];
};

static void begin_phase(struct speed_test *test, enum phase phase);

/* --- reports --- */

static void tell_progress(struct speed_test *test) {
    Roost__V1__SpeedTestReport report = ROOST__V1__SPEED_TEST_REPORT__INIT;
    const struct speed_rate *rate = &test->rates[test->phase];
    Roost__V1__Latency idle;

    report.phase = pb_lend(phase_names[test->phase]);
    report.seconds = (double)(loop_clock_us() - test->begun_us) / 1e6;
    report.bytes = rate->last.bytes;
    report.bits_per_second = speed_rate_now(rate);
    latency_message_fill(&test->latency[IDLE], &idle);
    report.idle = &idle;
    if (invocation_waiting(test->invocation) < WAITING_MAX)
        invocation_send(test->invocation, &report.base);
}

static void on_report(struct timer *timer) {
    struct speed_test *test = container_of(timer, struct speed_test, report);

    tell_progress(test);
    timer_start(test->tests->loop, timer, REPORT_MS);
}

static void tell_result(struct speed_test *test) {
    Roost__V1__SpeedTestReport report = ROOST__V1__SPEED_TEST_REPORT__INIT;
    Roost__V1__Latency latency[PHASES];

    for (int i = 0; i < PHASES; i++)
        latency_message_fill(&test->latency[i], &latency[i]);
    report.phase = "done";
    report.idle = &latency[IDLE];
    report.loaded_download = &latency[DOWNLOAD];
    report.loaded_upload = &latency[UPLOAD];
    report.download_bytes = test->rates[DOWNLOAD].last.bytes;
    report.upload_bytes = test->rates[UPLOAD].last.bytes;
    report.download_bits_per_second = speed_rate_mean(&test->rates[DOWNLOAD]);
    report.upload_bits_per_second = speed_rate_mean(&test->rates[UPLOAD]);
    invocation_send(test->invocation, &report.base);
    invocation_finish(test->invocation, GRPC_OK, "%s", "");
}

static void next_phase(struct speed_test *test) {
    if (test->phase == UPLOAD)
        tell_result(test);
    else
        begin_phase(test, test->phase + 1);
}

/* --- calls of the node --- */

/* NULL: the node is away, and the invocation was answered; the test is gone. */
static struct client_call *call_node(struct speed_test *test,
                                     const char *method,
                                     const char *priority,
                                     const struct client_events *events) {
    const struct node *node = registry_find(test->tests->registry, test->name);
    struct headers metadata;

    if (!node || !node->session) {
        invocation_finish(test->invocation, GRPC_UNAVAILABLE, "%s went offline",
                          test->name);
        return NULL;
    }
    headers_init(&metadata);
    if (priority)
        headers_add(&metadata, "priority", priority);
    struct client_request request = { .method = method, .metadata = &metadata };
    struct client_call *call = client_start(
        test->tests->loop, session_target(node->session), &request, events, test);
    headers_done(&metadata);
    return call;
}

/* --- round trips --- */

static void ask_back(struct speed_test *test) {
    Roost__V1__TransferEcho echo = ROOST__V1__TRANSFER_ECHO__INIT;

    if (!test->echo || test->asked_us > 0)
        return;
    echo.number = ++test->asked;
    test->asked_in = test->phase;
    test->asked_us = loop_clock_us();
    client_send(test->echo, &echo.base);
}

static void on_ping(struct timer *timer) {
    ask_back(container_of(timer, struct speed_test, ping));
}

static void on_echo_message(void *user, struct slice message) {
    struct speed_test *test = user;
    ProtobufCMessage *echo;

    if (pb_unpack(&roost__v1__transfer_echo__descriptor, message, &echo) != 0)
        return;
    bool is_asked = test->asked_us > 0 &&
                    ((const Roost__V1__TransferEcho *)echo)->number == test->asked;
    pb_free(echo);
    if (!is_asked)
        return;
    latency_add(&test->latency[test->asked_in],
                (double)(loop_clock_us() - test->asked_us) / 1000);
    test->asked_us = 0;
    if (test->phase == IDLE && test->latency[IDLE].count >= IDLE_PINGS)
        next_phase(test);
    else
        timer_start(test->tests->loop, &test->ping,
                    test->phase == IDLE ? IDLE_PING_MS : LOADED_PING_MS);
}

static void on_echo_done(void *user,
                         enum grpc_status status,
                         const char *message,
                         const struct headers *trailers) {
    struct speed_test *test = user;

    test->echo = NULL;
    invocation_finish(test->invocation, status == GRPC_OK ? GRPC_INTERNAL : status, "%s",
                      status == GRPC_OK ? "the node ended the test" : message);
}

static const struct client_events echo_events = {
    .on_message = on_echo_message,
    .on_done = on_echo_done,
};

/* --- bytes --- */

static void on_bulk_done(void *user,
                         enum grpc_status status,
                         const char *message,
                         const struct headers *trailers) {
    struct speed_test *test = user;

    test->bulk = NULL;
    if (status == GRPC_OK)
        next_phase(test);
    else
        invocation_finish(test->invocation, status, "%s", message);
}

/* Nothing more is sent; the node's last word and the end of the call follow. */
static void drain(struct speed_test *test) {
    test->is_draining = true;
    if (test->phase == DOWNLOAD)
        client_end(test->bulk);
    timer_start(test->tests->loop, &test->end, DRAIN_MAX_MS);
}

static void send_some(struct speed_test *test) {
    for (int i = 0; i < BATCH && test->sent < test->bytes_max; i++) {
        client_send_bytes(test->bulk, buf_slice(&test->chunk));
        test->sent += CHUNK;
    }
    if (test->sent >= test->bytes_max)
        drain(test);
}

static void on_room(void *user) {
    struct speed_test *test = user;

    if (!test->is_draining)
        send_some(test);
}

static void on_tally(void *user, struct slice message) {
    struct speed_test *test = user;
    ProtobufCMessage *unpacked;

    if (pb_unpack(&roost__v1__transfer_tally__descriptor, message, &unpacked) != 0)
        return;
    const Roost__V1__TransferTally *tally = (const Roost__V1__TransferTally *)unpacked;
    speed_rate_add(&test->rates[DOWNLOAD], tally->microseconds, tally->bytes);
    pb_free(unpacked);
}

static void on_chunk(void *user, struct slice message) {
    struct speed_test *test = user;
    struct speed_rate *rate = &test->rates[UPLOAD];
    uint64_t now_us = loop_clock_us();

    if (rate->count == 0)
        speed_rate_add(rate, now_us, 0);
    else
        speed_rate_add(rate, now_us, rate->last.bytes + message.len);
}

static const struct client_events download_events = {
    .on_message = on_tally,
    .on_room = on_room,
    .on_done = on_bulk_done,
};

static const struct client_events upload_events = {
    .on_message = on_chunk,
    .on_done = on_bulk_done,
};

static bool begin_download(struct speed_test *test) {
    test->bulk = call_node(test, "/roost.v1.Transfer/Take", "u=7", &download_events);
    if (!test->bulk)
        return false;
    speed_rate_add(&test->rates[DOWNLOAD], 0, 0);
    send_some(test);
    return true;
}

static bool begin_upload(struct speed_test *test) {
    Roost__V1__TransferWish wish = ROOST__V1__TRANSFER_WISH__INIT;

    test->bulk = call_node(test, "/roost.v1.Transfer/Give", "u=7", &upload_events);
    if (!test->bulk)
        return false;
    wish.milliseconds = (uint32_t)test->seconds * 1000;
    wish.max_bytes = test->bytes_max;
    client_send(test->bulk, &wish.base);
    client_end(test->bulk);
    return true;
}

/* --- phases --- */

static void on_end(struct timer *timer) {
    struct speed_test *test = container_of(timer, struct speed_test, end);

    if (test->phase != IDLE && !test->is_draining) {
        drain(test);
        return;
    }
    if (test->phase == IDLE && test->latency[IDLE].count == 0) {
        invocation_finish(test->invocation, GRPC_UNAVAILABLE, "%s does not answer",
                          test->name);
        return;
    }
    test->bulk = client_cancel(test->bulk);
    next_phase(test);
}

/* The test may be gone behind it. */
static void begin_phase(struct speed_test *test, enum phase phase) {
    struct loop *loop = test->tests->loop;

    test->phase = phase;
    test->begun_us = loop_clock_us();
    test->is_draining = false;
    timer_start(loop, &test->end,
                phase == IDLE ? IDLE_MAX_MS : (uint64_t)test->seconds * 1000);
    if ((phase == DOWNLOAD && !begin_download(test)) ||
        (phase == UPLOAD && !begin_upload(test)))
        return;
    if (test->asked_us == 0)
        timer_start(loop, &test->ping, phase == IDLE ? 0 : LOADED_PING_MS);
    tell_progress(test);
}

static void on_gone(struct invocation *invocation, void *user) {
    struct speed_test *test = user;

    list_remove(&test->node);
    timer_stop(&test->ping);
    timer_stop(&test->report);
    timer_stop(&test->end);
    client_cancel(test->echo);
    client_cancel(test->bulk);
    buf_done(&test->chunk);
    free(test->name);
    free(test);
}

/* A message of random bytes: nothing on the way can make it smaller. */
static void pack_chunk(struct speed_test *test) {
    Roost__V1__TransferChunk chunk = ROOST__V1__TRANSFER_CHUNK__INIT;

    chunk.data.len = CHUNK;
    chunk.data.data = mem_new_array(1, CHUNK);
    crypto_random(chunk.data.data, CHUNK);
    pb_pack(&test->chunk, &chunk.base);
    free(chunk.data.data);
}

static struct speed_test *make(struct speed_tests *tests,
                               struct invocation *invocation,
                               const struct node *node,
                               const Roost__V1__SpeedTestRequest *request) {
    struct speed_test *test = mem_new(sizeof(*test));

    test->tests = tests;
    test->invocation = invocation;
    test->name = mem_strdup(node->name);
    test->seconds = request->seconds ? request->seconds : SECONDS_USUAL;
    test->bytes_max = request->max_bytes ? request->max_bytes : BYTES_USUAL;
    test->ping.fire = on_ping;
    test->report.fire = on_report;
    test->end.fire = on_end;
    pack_chunk(test);
    list_add_tail(&tests->running, &test->node);
    invocation_set_user(invocation, test, on_gone);
    return test;
}

/* False: the invocation was answered. */
static bool may_start(const struct speed_tests *tests,
                      struct invocation *invocation,
                      const struct node *node,
                      const Roost__V1__SpeedTestRequest *request) {
    bool is_running = false;
    size_t count = 0;

    list_for_each_safe(at, after, &tests->running) {
        count++;
        is_running |=
            strcmp(container_of(at, struct speed_test, node)->name, node->name) == 0;
    }
    if (request->seconds > SECONDS_MAX || request->max_bytes > BYTES_MAX)
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "each direction takes at most %d s and 16 GiB", SECONDS_MAX);
    else if (is_running)
        invocation_finish(invocation, GRPC_FAILED_PRECONDITION,
                          "a speed test of %s is running already", node->name);
    else if (count >= SPEED_TEST_MAX)
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "%d speed tests are running already; ask again later",
                          SPEED_TEST_MAX);
    else
        return true;
    return false;
}

void speed_test_start(struct speed_tests *tests,
                      struct invocation *invocation,
                      const struct node *node,
                      const Roost__V1__SpeedTestRequest *request) {
    if (!may_start(tests, invocation, node, request))
        return;
    struct speed_test *test = make(tests, invocation, node, request);
    test->echo = call_node(test, "/roost.v1.Transfer/Echo", NULL, &echo_events);
    if (!test->echo)
        return;
    timer_start(tests->loop, &test->report, REPORT_MS);
    begin_phase(test, IDLE);
}
