#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/nodes/nodes.h"
#include "cli/output.h"
#include "cli/terminal/table.h"
#include "roost/v1/probe.pb-c.h"
#include "wire/pb.h"

static void print_table(const struct cli *cli, const Roost__V1__DnsProbeResponse *reply) {
    struct table *table = table_new();

    table_column(table, "NAME", TABLE_LEFT);
    table_column(table, "TTL", TABLE_RIGHT);
    table_column(table, "TYPE", TABLE_LEFT);
    table_column(table, "DATA", TABLE_FLEXIBLE);
    for (size_t i = 0; i < reply->n_records; i++) {
        const Roost__V1__DnsRecord *record = reply->records[i];
        table_cell(table, TERMINAL_BOLD, record->name);
        table_printf(table, TERMINAL_PLAIN, "%u", record->ttl_s);
        table_cell(table, TERMINAL_PLAIN, record->type);
        table_cell(table, TERMINAL_PLAIN, record->data);
    }
    table_print(table, &cli->terminal);
    table_free(table);
}

static int print(const struct cli *cli, const Roost__V1__DnsProbeResponse *reply) {
    if (cli->json)
        return output_message(&reply->base, true);
    if (reply->n_records > 0)
        print_table(cli, reply);
    printf("%s%s%s from %s in %.1f ms%s%s\n", reply->rcode,
           reply->error[0] && reply->rcode[0] ? ", " : "", reply->error,
           reply->server[0] ? reply->server : "no server", reply->time_ms,
           reply->authoritative ? ", authoritative" : "",
           reply->truncated ? ", by TCP as the answer by UDP was cut" : "");
    return REPORT_OK;
}

static int run(struct cli *cli) {
    Roost__V1__DnsProbeRequest request = ROOST__V1__DNS_PROBE_REQUEST__INIT;
    auto_(mem_freep) char *name = NULL;
    uint64_t timeout_ms = 0;
    ProtobufCMessage *reply;

    int r = cli_duration(cli, "wait", &timeout_ms);
    if (r == 0)
        r = nodes_one(cli, args_at(cli->args, 0), "probe", &name);
    if (r != 0)
        return r;
    request.name = pb_lend(args_at(cli->args, 1));
    request.type = pb_lend(args_value(cli->args, "type"));
    request.server = pb_lend(args_value(cli->args, "server"));
    request.timeout_ms = (uint32_t)timeout_ms;
    struct session_ask ask = {
        .node = name,
        .method = "/roost.v1.Probe/Dns",
        .request = &request.base,
        .reply_type = &roost__v1__dns_probe_response__descriptor,
    };
    r = hub_call(cli, name, ask, &reply);
    if (r != 0)
        return r;
    r = print(cli, (const Roost__V1__DnsProbeResponse *)reply);
    if (r == 0 && !((const Roost__V1__DnsProbeResponse *)reply)->ok)
        r = REPORT_FAILED;
    pb_free(reply);
    return r;
}

static const struct args_option options[] = {
    { "type", 't', "TYPE", "A (unless said), AAAA, CNAME, MX, TXT, NS, SOA, PTR, SRV" },
    { "server", 's', "HOST[:PORT]", "which server is asked (the node's own)" },
    { "wait", 0, "DURATION", "how long it may take (5s)" },
    { 0 },
};

static const char *const examples[] = {
    "roost probe dns pi example.org",
    "what the name server of pi says",
    "roost probe dns pi example.org -t MX -s 192.168.1.1",
    "what that server says of its mail",
    "roost probe dns pi 192.0.2.7 -t PTR",
    "the name of an address",
    NULL,
};

const struct command cmd_probe_dns = {
    .name = "dns",
    .usage = "NODE NAME",
    .summary = "ask a name server from a node",
    .details = "The node's policy must allow the server: \"roost-agent allow probe "
               "SERVER:53\".\n"
               "Exit status 1: no answer, or another code than NOERROR.",
    .examples = examples,
    .options = options,
    .least = 2,
    .most = 2,
    .operands = "node",
    .run = run,
};
