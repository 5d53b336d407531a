#include "agent/probe/probe_tcp.h"

#include <stdlib.h>

#include "agent/probe/probes.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/dialler.h"
#include "loop/loop.h"
#include "roost/v1/probe.pb-c.h"
#include "rpc/invocation.h"
#include "wire/pb.h"

enum {
    TIMEOUT_MS = 5000,
    TIMEOUT_MAX_MS = 60000, /* who asks waits no longer */
};

struct tcp {
    struct probe probe;
    struct dial *dial; /* owned; NULL when it is over */
    uint64_t begun_us;
    uint64_t resolved_us; /* 0: not yet */
};

static void on_end(struct probe *probe) {
    struct tcp *tcp = container_of(probe, struct tcp, probe);

    dialler_cancel(tcp->dial);
    free(tcp);
}

static size_t keep(void *arg, struct sockaddr_storage *addresses, size_t count) {
    struct tcp *tcp = arg;

    tcp->resolved_us = loop_clock_us();
    return probes_keep(&tcp->probe, tcp->probe.to.host, tcp->probe.to.port, addresses,
                       count);
}

static double ms_between(uint64_t from_us, uint64_t to_us) {
    return (double)(to_us - from_us) / 1000;
}

static void on_dialled(void *arg,
                       struct conn *conn,
                       enum dial_step step,
                       const char *why) {
    struct tcp *tcp = arg;
    Roost__V1__TcpProbeResponse response = ROOST__V1__TCP_PROBE_RESPONSE__INIT;

    tcp->dial = NULL;
    if (tcp->probe.denied) {
        probes_refuse(&tcp->probe);
        return;
    }
    response.ok = conn != NULL;
    response.error = pb_lend(why);
    if (tcp->resolved_us) {
        response.resolve_ms = ms_between(tcp->begun_us, tcp->resolved_us);
        response.connect_ms = ms_between(tcp->resolved_us, loop_clock_us());
    }
    if (conn)
        response.address = pb_lend(conn_peer(conn));
    probes_reply(&tcp->probe, &response.base); /* tcp is gone */
    if (conn)
        conn_close(conn);
}

void probe_tcp(void *arg,
               struct invocation *invocation,
               const ProtobufCMessage *request) {
    const Roost__V1__TcpProbeRequest *ask = (const Roost__V1__TcpProbeRequest *)request;
    struct probes *probes = arg;

    if (!probes_is_place(invocation, ask->host, ask->port, 1))
        return;
    struct tcp *tcp = mem_new(sizeof(*tcp));
    if (!probes_begin(probes, invocation, &tcp->probe, on_end)) {
        free(tcp);
        return;
    }
    probes_set_place(&tcp->probe, ask->host, ask->port);
    struct dial_config config = {
        .host = tcp->probe.to.host,
        .port = ask->port,
        .timeout_ms = probes_limit(ask->timeout_ms, TIMEOUT_MS, TIMEOUT_MAX_MS),
        .keep = keep,
        .on_done = on_dialled,
        .arg = tcp,
    };
    tcp->begun_us = loop_clock_us();
    tcp->dial = dialler_start(probes_config(probes)->loop, &config);
}
