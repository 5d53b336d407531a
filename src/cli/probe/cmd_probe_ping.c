#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/nodes/nodes.h"
#include "cli/output.h"
#include "loop/loop.h"
#include "roost/v1/probe.pb-c.h"
#include "rpc/client.h"
#include "wire/pb.h"

enum { COUNT_MAX = 1000 };

/* The stream of reports while it runs. */
struct pinging {
    struct cli *cli;  /* borrowed: the caller */
    const char *host; /* borrowed: the caller */
    char *message;    /* owned; of the end */
    enum grpc_status status;
    unsigned received;
    int code; /* of printing */
    bool done;
};

static void print_report(const Roost__V1__PingReport *report) {
    bool has_rtt =
        report->rtt_ms_known_case == ROOST__V1__PING_REPORT__RTT_MS_KNOWN_RTT_MS;

    if (has_rtt)
        printf("%u: %s %.2f ms\n", report->number, report->address, report->rtt_ms);
    else
        printf("%u: %s %s\n", report->number, report->address,
               report->error[0] ? report->error : "no answer in time");
}

static void print_end(const char *host, const Roost__V1__PingReport *report) {
    unsigned lost = report->sent - report->received;

    printf("%s: %u sent, %u answered, %.4g %% lost", host, report->sent, report->received,
           report->sent > 0 ? 100.0 * lost / report->sent : 0);
    if (report->rtt && report->received > 0)
        printf("; %.2f ms mean, %.2f least, %.2f p95, %.2f most, %.2f jitter",
               report->rtt->mean_ms, report->rtt->min_ms, report->rtt->p95_ms,
               report->rtt->max_ms, report->rtt->jitter_ms);
    putchar('\n');
}

static void on_message(void *user, struct slice bytes) {
    struct pinging *pinging = user;
    ProtobufCMessage *message = protobuf_c_message_unpack(
        &roost__v1__ping_report__descriptor, NULL, bytes.len, bytes.at);
    const Roost__V1__PingReport *report = (const Roost__V1__PingReport *)message;

    if (!report)
        return;
    if (pinging->cli->json) {
        pinging->code = output_message(message, false);
    } else {
        if (!pinging->cli->quiet)
            print_report(report);
        if (report->done)
            print_end(pinging->host, report);
    }
    fflush(stdout);
    if (report->done)
        pinging->received = report->received;
    pb_free(message);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct pinging *pinging = user;

    pinging->status = status;
    pinging->message = mem_strdup(message ? message : "");
    pinging->done = true;
    loop_stop(cli_loop(pinging->cli));
}

static int ping(struct cli *cli,
                const char *name,
                const Roost__V1__PingRequest *request) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    struct pinging pinging = { .cli = cli, .host = request->host };
    struct headers metadata;

    session_metadata(cli->session, name, &metadata);
    struct client_request call = {
        .method = "/roost.v1.Probe/Ping",
        .metadata = &metadata,
        .timeout_ms = cli->timeout_ms,
    };
    struct client_call *client = client_start(cli_loop(cli), session_target(cli->session),
                                              &call, &events, &pinging);
    client_send(client, &request->base);
    client_end(client);
    session_wait(cli->session, &pinging.done);
    headers_done(&metadata);
    if (!pinging.done) {
        client_cancel(client);
        return REPORT_FAILED;
    }
    int r = pinging.code;
    if (pinging.status != GRPC_OK)
        r = hub_report_call(cli, name, pinging.status, pinging.message);
    else if (r == 0 && pinging.received == 0)
        r = REPORT_FAILED;
    free(pinging.message);
    return r;
}

static int read_options(const struct cli *cli, Roost__V1__PingRequest *request) {
    uint64_t interval_ms = 0, timeout_ms = 0;

    int r = cli_number(cli, "count", "-c", 1, COUNT_MAX, &request->count);
    if (r == 0)
        r = cli_duration(cli, "interval", &interval_ms);
    if (r == 0)
        r = cli_duration(cli, "wait", &timeout_ms);
    request->interval_ms = (uint32_t)interval_ms;
    request->timeout_ms = (uint32_t)timeout_ms;
    return r;
}

static int run(struct cli *cli) {
    Roost__V1__PingRequest request = ROOST__V1__PING_REQUEST__INIT;
    auto_(mem_freep) char *name = NULL;

    request.host = pb_lend(args_at(cli->args, 1));
    int r = read_options(cli, &request);
    if (r == 0)
        r = nodes_one(cli, args_at(cli->args, 0), "probe", &name);
    return r == 0 ? ping(cli, name, &request) : r;
}

static const struct args_option options[] = {
    { "count", 'c', "N", "so many echoes (4)" },
    { "interval", 'i', "DURATION", "between them, 100ms at least (1s)" },
    { "wait", 0, "DURATION", "for each answer (1s)" },
    { 0 },
};

static const char *const examples[] = {
    "roost probe ping pi 192.168.1.1",
    "does the router answer pi, and how fast",
    "roost probe ping pi nas -c 20 -i 200ms",
    "twenty echoes in four seconds",
    "roost probe ping pi nas --json | jq -s '.[-1].rtt'",
    "figures for a script",
    NULL,
};

const struct command cmd_probe_ping = {
    .name = "ping",
    .usage = "NODE HOST",
    .summary = "send ICMP echoes from a node",
    .details =
        "The node's policy must allow it: \"roost-agent allow probe HOST\". Exit status\n"
        "1: no answer came.",
    .examples = examples,
    .options = options,
    .least = 2,
    .most = 2,
    .operands = "node",
    .run = run,
};
