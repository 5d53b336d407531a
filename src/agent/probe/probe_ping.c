#include "agent/probe/probe_ping.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/probe/probes.h"
#include "base/latency.h"
#include "base/mem.h"
#include "loop/datagram.h"
#include "loop/lookup.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "roost/v1/probe.pb-c.h"
#include "rpc/invocation.h"
#include "wire/pb.h"

enum {
    COUNT = 4,
    COUNT_MAX = 1000,
    INTERVAL_MS = 1000,
    INTERVAL_MIN_MS = 100, /* more often is a flood */
    INTERVAL_MAX_MS = 60000,
    TIMEOUT_MS = 1000,
    TIMEOUT_MAX_MS = 60000,
    LOOKUP_MS = 10000,
    PAYLOAD_LEN = 56, /* as ping(8) sends */
};

struct ping {
    struct probe probe;
    struct loop *loop;         /* borrowed: outlives probes */
    struct lookup *lookup;     /* owned; NULL when it is over */
    struct datagram *datagram; /* owned; NULL before */
    struct timer next;         /* when the next one is sent; before: the lookup's end */
    struct timer late;         /* when the oldest that is under way counts as lost */
    unsigned count;
    unsigned interval_ms;
    unsigned timeout_ms;
    unsigned sent;
    unsigned resolved; /* answered, failed or lost */
    unsigned oldest;   /* the first that may be under way, from 0 */
    struct latency latency;
    char address[INET6_ADDRSTRLEN];
    uint64_t sent_us[COUNT_MAX]; /* 0: resolved */
};

static void on_end(struct probe *probe) {
    struct ping *ping = container_of(probe, struct ping, probe);

    lookup_cancel(ping->lookup);
    datagram_close(ping->datagram);
    timer_stop(&ping->next);
    timer_stop(&ping->late);
    free(ping);
}

/* --- reports --- */

static void fill_end(const struct ping *ping,
                     Roost__V1__PingReport *report,
                     Roost__V1__Latency *latency) {
    report->done = true;
    report->sent = ping->sent;
    report->received = ping->latency.count;
    probes_fill_latency(latency, &ping->latency);
    report->rtt = latency;
}

/* What became of number i; the last one ends the call, and then ping is gone: true. */
static bool resolve(struct ping *ping, unsigned i, double rtt_ms, const char *error) {
    Roost__V1__PingReport report = ROOST__V1__PING_REPORT__INIT;
    Roost__V1__Latency latency = ROOST__V1__LATENCY__INIT;

    ping->sent_us[i] = 0;
    ping->resolved++;
    report.address = ping->address;
    report.number = i + 1;
    report.error = pb_lend(error);
    if (rtt_ms >= 0) {
        report.rtt_ms_known_case = ROOST__V1__PING_REPORT__RTT_MS_KNOWN_RTT_MS;
        report.rtt_ms = rtt_ms;
        latency_add(&ping->latency, rtt_ms);
    }
    bool is_last = ping->resolved == ping->count;
    if (is_last)
        fill_end(ping, &report, &latency);
    invocation_send(ping->probe.invocation, &report.base);
    if (is_last)
        probes_finish(&ping->probe, GRPC_OK, "%s", "");
    return is_last;
}

/* --- what is under way --- */

static void watch_oldest(struct ping *ping) {
    while (ping->oldest < ping->sent && ping->sent_us[ping->oldest] == 0)
        ping->oldest++;
    if (ping->oldest == ping->sent) {
        timer_stop(&ping->late);
        return;
    }
    uint64_t due_us = ping->sent_us[ping->oldest] + ping->timeout_ms * (uint64_t)1000;
    uint64_t now_us = loop_clock_us();
    timer_start(ping->loop, &ping->late,
                due_us > now_us ? (due_us - now_us) / 1000 + 1 : 0);
}

static void on_late(struct timer *timer) {
    struct ping *ping = container_of(timer, struct ping, late);

    if (!resolve(ping, ping->oldest, -1, ""))
        watch_oldest(ping);
}

/* Is it the number of one that is under way? */
static bool is_awaited(const struct ping *ping, unsigned number) {
    return number >= 1 && number <= ping->sent && ping->sent_us[number - 1] != 0;
}

static void on_bytes(void *owner, struct slice bytes, unsigned number) {
    struct ping *ping = owner;

    if (!is_awaited(ping, number) || bytes.len != PAYLOAD_LEN)
        return;
    double rtt_ms = (double)(loop_clock_us() - ping->sent_us[number - 1]) / 1000;
    if (!resolve(ping, number - 1, rtt_ms, ""))
        watch_oldest(ping);
}

static void on_error(void *owner, int error, const char *why, unsigned number) {
    struct ping *ping = owner;

    if (is_awaited(ping, number) && !resolve(ping, number - 1, -1, why))
        watch_oldest(ping);
}

static const struct datagram_events events = { on_bytes, on_error };

static void on_next(struct timer *timer) {
    struct ping *ping = container_of(timer, struct ping, next);
    static const uint8_t payload[PAYLOAD_LEN] = { 0 };
    unsigned i = ping->sent++;

    if (ping->sent < ping->count)
        timer_start(ping->loop, &ping->next, ping->interval_ms);
    ping->sent_us[i] = loop_clock_us();
    int r = datagram_send(ping->datagram, slice_of(payload, sizeof(payload)), i + 1);
    if (r < 0 && resolve(ping, i, -1, strerror(-r)))
        return;
    watch_oldest(ping);
}

/* --- the way there --- */

static void fail_open(struct ping *ping, int error) {
    if (error == -EACCES)
        probes_finish(
            &ping->probe, GRPC_FAILED_PRECONDITION,
            "this agent may not send ICMP echoes: on the host, as root, sysctl -w "
            "net.ipv4.ping_group_range='0 2147483647' (or give the agent CAP_NET_RAW)");
    else
        probes_finish(&ping->probe, GRPC_FAILED_PRECONDITION, "%s: %s", ping->address,
                      strerror(-error));
}

static void print_address(struct ping *ping, const struct sockaddr_storage *address) {
    const void *at = &((const struct sockaddr_in *)(const void *)address)->sin_addr;

    if (address->ss_family == AF_INET6)
        at = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    inet_ntop(address->ss_family, at, ping->address, sizeof(ping->address));
}

static void on_found(void *arg,
                     struct sockaddr_storage *addresses,
                     size_t count,
                     const char *why) {
    struct ping *ping = arg;

    ping->lookup = NULL;
    timer_stop(&ping->next);
    if (count == 0) {
        probes_finish(&ping->probe, GRPC_FAILED_PRECONDITION, "%s", why);
        return;
    }
    if (probes_keep(&ping->probe, ping->probe.to.host, 0, addresses, count) == 0) {
        probes_refuse(&ping->probe);
        return;
    }
    print_address(ping, &addresses[0]);
    int r = datagram_open(ping->loop, DATAGRAM_ECHO, &addresses[0], &events, ping,
                          &ping->datagram);
    if (r < 0) {
        fail_open(ping, r);
        return;
    }
    ping->next.fire = on_next;
    timer_start(ping->loop, &ping->next, 0);
}

static void on_lookup_late(struct timer *timer) {
    struct ping *ping = container_of(timer, struct ping, next);

    probes_finish(&ping->probe, GRPC_DEADLINE_EXCEEDED,
                  "cannot resolve %s: timed out after %d s", ping->probe.to.host,
                  LOOKUP_MS / 1000);
}

static bool is_possible(struct invocation *invocation,
                        const Roost__V1__PingRequest *ask) {
    if (ask->count > COUNT_MAX)
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "at most %d echoes",
                          COUNT_MAX);
    else if (ask->interval_ms > 0 && ask->interval_ms < INTERVAL_MIN_MS)
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "the interval is at least %d ms", INTERVAL_MIN_MS);
    else
        return probes_is_place(invocation, ask->host, 0, 0);
    return false;
}

void probe_ping(void *arg,
                struct invocation *invocation,
                const ProtobufCMessage *request) {
    const Roost__V1__PingRequest *ask = (const Roost__V1__PingRequest *)request;
    struct probes *probes = arg;

    if (!is_possible(invocation, ask))
        return;
    struct ping *ping = mem_new(sizeof(*ping));
    if (!probes_begin(probes, invocation, &ping->probe, on_end)) {
        free(ping);
        return;
    }
    probes_set_place(&ping->probe, ask->host, 0);
    ping->loop = probes_config(probes)->loop;
    ping->count = ask->count ? ask->count : COUNT;
    ping->interval_ms = probes_limit(ask->interval_ms, INTERVAL_MS, INTERVAL_MAX_MS);
    ping->timeout_ms = probes_limit(ask->timeout_ms, TIMEOUT_MS, TIMEOUT_MAX_MS);
    ping->late.fire = on_late;
    ping->next.fire = on_lookup_late;
    timer_start(ping->loop, &ping->next, LOOKUP_MS);
    ping->lookup = lookup_start(ping->loop, ask->host, 0, on_found, ping);
}
