#include "agent/probe/probe_speed.h"

#include <stdlib.h>

#include "agent/probe/http_probe.h"
#include "agent/probe/probes.h"
#include "base/mem.h"
#include "base/speed_rate.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "roost/v1/probe.pb-c.h"
#include "rpc/invocation.h"

enum {
    SECONDS_USUAL = 8,
    SECONDS_MAX = 30,
    PATIENCE_MS = 15000, /* for what comes before the first byte */
    REPORT_MS = 500,
    WAITING_MAX = 65536, /* bytes that a caller who does not read may cost */
};

static const uint64_t BYTES_USUAL = UINT64_C(1) << 30;
static const uint64_t BYTES_MAX = UINT64_C(16) << 30;

struct fetch {
    struct probe probe;
    struct http_probe *http; /* owned; NULL when it is over */
    struct timer report;
    struct speed_rate rate;
    uint64_t limit_us;
    uint64_t begun_us; /* when the first of the body came; 0: nothing did */
};

static void on_end(struct probe *probe) {
    struct fetch *fetch = container_of(probe, struct fetch, probe);

    timer_stop(&fetch->report);
    http_probe_cancel(fetch->http);
    free(fetch);
}

static size_t keep(void *arg,
                   const char *host,
                   unsigned port,
                   struct sockaddr_storage *addresses,
                   size_t count) {
    struct fetch *fetch = arg;
    return probes_keep(&fetch->probe, host, port, addresses, count);
}

static bool on_body(void *arg, struct slice bytes) {
    struct fetch *fetch = arg;
    uint64_t now_us = loop_clock_us();

    if (fetch->begun_us == 0)
        fetch->begun_us = now_us;
    uint64_t at_us = now_us - fetch->begun_us;
    speed_rate_add(&fetch->rate, at_us, fetch->rate.last.bytes + bytes.len);
    return at_us < fetch->limit_us;
}

static void on_report(struct timer *timer) {
    struct fetch *fetch = container_of(timer, struct fetch, report);
    Roost__V1__SpeedTestReport report = ROOST__V1__SPEED_TEST_REPORT__INIT;

    report.phase = (char *)(fetch->begun_us ? "download" : "idle");
    if (fetch->begun_us)
        report.seconds = (double)(loop_clock_us() - fetch->begun_us) / 1e6;
    report.bytes = fetch->rate.last.bytes;
    report.bits_per_second = speed_rate_now(&fetch->rate);
    if (invocation_waiting(fetch->probe.invocation) < WAITING_MAX)
        invocation_send(fetch->probe.invocation, &report.base);
    timer_start(probes_config(fetch->probe.probes)->loop, timer, REPORT_MS);
}

/* How long the server took to be reached is all that is known of round trips. */
static void tell_result(struct fetch *fetch, const struct http_probe_result *result) {
    Roost__V1__SpeedTestReport report = ROOST__V1__SPEED_TEST_REPORT__INIT;
    struct invocation *invocation = fetch->probe.invocation;
    Roost__V1__Latency idle = ROOST__V1__LATENCY__INIT;

    report.phase = (char *)"done";
    report.download_bytes = fetch->rate.last.bytes;
    report.download_bits_per_second = speed_rate_mean(&fetch->rate);
    if (result->connect_ms > 0) {
        idle.count = 1;
        idle.mean_ms = idle.min_ms = idle.max_ms = result->connect_ms;
        idle.p50_ms = idle.p95_ms = idle.p99_ms = result->connect_ms;
        report.idle = &idle;
    }
    invocation_send(invocation, &report.base);
    invocation_finish(invocation, GRPC_OK, "%s", "");
}

static void on_done(void *arg, const struct http_probe_result *result) {
    struct fetch *fetch = arg;
    struct invocation *invocation = fetch->probe.invocation;

    fetch->http = NULL;
    if (result->is_denied)
        probes_refuse(&fetch->probe);
    else if (result->status >= 200 && result->status < 300 && fetch->rate.last.bytes > 0)
        tell_result(fetch, result);
    else if (result->error)
        invocation_finish(invocation, GRPC_UNAVAILABLE, "%s", result->error);
    else
        invocation_finish(invocation, GRPC_FAILED_PRECONDITION,
                          "the server answered %u and %llu bytes, which is no speed",
                          result->status, (unsigned long long)result->bytes);
}

void probe_speed(void *arg,
                 struct invocation *invocation,
                 const ProtobufCMessage *request) {
    const Roost__V1__SpeedTestRequest *ask = (const Roost__V1__SpeedTestRequest *)request;
    struct probes *probes = arg;
    struct loop *loop = probes_config(probes)->loop;
    unsigned seconds = ask->seconds ? ask->seconds : SECONDS_USUAL;
    const char *why = "each direction takes at most 30 s and 16 GiB";
    struct fetch *fetch = mem_new(sizeof(*fetch));
    struct http_probe_config config = {
        .loop = loop,
        .url = ask->url,
        .method = "GET",
        .timeout_ms = seconds * 1000 + PATIENCE_MS,
        .bytes_max = ask->max_bytes ? ask->max_bytes : BYTES_USUAL,
        .redirects_max = HTTP_PROBE_REDIRECTS_MAX,
        .keep = keep,
        .on_body = on_body,
        .on_done = on_done,
        .arg = fetch,
    };

    fetch->limit_us = (uint64_t)seconds * 1000000;
    fetch->report.fire = on_report;
    if (seconds > SECONDS_MAX || ask->max_bytes > BYTES_MAX ||
        http_probe_start(&config, &fetch->http, &why) < 0) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", why);
        free(fetch);
    } else if (!probes_begin(probes, invocation, &fetch->probe, on_end)) {
        http_probe_cancel(fetch->http);
        free(fetch);
    } else {
        timer_start(loop, &fetch->report, REPORT_MS);
    }
}
