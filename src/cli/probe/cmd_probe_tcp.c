#include <stdio.h>
#include <stdlib.h>

#include "base/address.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/nodes/nodes.h"
#include "cli/output.h"
#include "roost/v1/probe.pb-c.h"

static int print(const struct cli *cli,
                 const Roost__V1__TcpProbeResponse *reply,
                 const char *target) {
    if (cli->json)
        return output_message(&reply->base, true);
    if (!reply->ok) {
        printf("%s: %s\n", target, reply->error);
        return REPORT_OK;
    }
    printf("%s: open at %s; name %.1f ms, connection %.1f ms\n", target, reply->address,
           reply->resolve_ms, reply->connect_ms);
    return REPORT_OK;
}

static int run(struct cli *cli) {
    Roost__V1__TcpProbeRequest request = ROOST__V1__TCP_PROBE_REQUEST__INIT;
    const char *target = args_at(cli->args, 1);
    auto_(mem_freep) char *name = NULL;
    struct address to;
    uint64_t timeout_ms = 0;
    ProtobufCMessage *reply;

    if (address_parse(slice_of_text(target), &to) != 0)
        return cli_usage(cli, "tcp: \"%s\" is not of the form HOST:PORT", target);
    int r = cli_duration(cli, "wait", &timeout_ms);
    if (r == 0)
        r = nodes_one(cli, args_at(cli->args, 0), "probe", &name);
    if (r != 0)
        return r;
    request.host = to.host;
    request.port = to.port;
    request.timeout_ms = (uint32_t)timeout_ms;
    struct session_ask ask = {
        .node = name,
        .method = "/roost.v1.Probe/Tcp",
        .request = &request.base,
        .reply_type = &roost__v1__tcp_probe_response__descriptor,
    };
    r = hub_call(cli, name, ask, &reply);
    if (r != 0)
        return r;
    const Roost__V1__TcpProbeResponse *response =
        (const Roost__V1__TcpProbeResponse *)reply;
    r = print(cli, response, target);
    if (r == 0 && !response->ok)
        r = REPORT_FAILED;
    pb_free(reply);
    return r;
}

static const struct args_option options[] = {
    { "wait", 0, "DURATION", "how long it may take (5s)" },
    { 0 },
};

static const char *const examples[] = {
    "roost probe tcp pi nas:22",
    "does nas listen there, as seen from pi",
    "roost probe tcp pi 10.0.0.7:5432 --json | jq .connectMs",
    "how long a connection takes, for a script",
    NULL,
};

const struct command cmd_probe_tcp = {
    .name = "tcp",
    .usage = "NODE HOST:PORT",
    .summary = "open a connection from a node, and tell how long it takes",
    .details =
        "The node's policy must allow it: \"roost-agent allow probe HOST:PORT\". Exit\n"
        "status 1: there is no connection.",
    .examples = examples,
    .options = options,
    .least = 2,
    .most = 2,
    .operands = "node",
    .run = run,
};
