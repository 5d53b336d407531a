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
#include "cli/terminal/when.h"
#include "roost/v1/probe.pb-c.h"
#include "wire/timestamp.h"

enum { DAYS_FEW = 14, REDIRECTS = 5, CALL_MORE_MS = 5000 };

static void add_row(struct table *table,
                    const char *name,
                    enum terminal_colour colour,
                    const char *value) {
    if (value[0] == '\0')
        return;
    table_cell(table, TERMINAL_DIM, name);
    table_cell(table, colour, value);
}

static void add_ms(struct table *table, const char *name, double ms) {
    char text[32];

    snprintf(text, sizeof(text), "%.1f ms", ms);
    add_row(table, name, TERMINAL_PLAIN, ms > 0 ? text : "");
}

static void add_certificate(struct table *table, const Roost__V1__Certificate *cert) {
    char until[WHEN_LEN], days[64];
    struct buf names = { 0 };

    when_print(timestamp_get(cert->not_after), false, until);
    snprintf(days, sizeof(days), "%.1f days left (%s)", cert->days_left, until);
    for (size_t i = 0; i < cert->n_names; i++)
        buf_printf(&names, "%s%s", i > 0 ? " " : "", cert->names[i]);
    add_row(table, "certificate", TERMINAL_PLAIN, cert->subject);
    add_row(table, "issuer", TERMINAL_PLAIN, cert->issuer);
    add_row(table, "names", TERMINAL_PLAIN, buf_text(&names));
    add_row(table, "expires", cert->days_left < DAYS_FEW ? TERMINAL_RED : TERMINAL_PLAIN,
            days);
    add_row(table, "trust", cert->error[0] ? TERMINAL_RED : TERMINAL_GREEN,
            cert->error[0] ? cert->error : "good");
    buf_done(&names);
}

static void print_table(const struct cli *cli,
                        const Roost__V1__HttpProbeResponse *reply) {
    struct table *table = table_new();
    char text[32] = "";

    table_column(table, "", TABLE_LEFT);
    table_column(table, "", TABLE_FLEXIBLE);
    if (reply->status > 0)
        snprintf(text, sizeof(text), "%u", reply->status);
    add_row(table, "result", reply->ok ? TERMINAL_GREEN : TERMINAL_RED,
            reply->ok ? "ok" : "failed");
    add_row(table, "status", TERMINAL_BOLD, text);
    add_row(table, "error", TERMINAL_RED, reply->error);
    add_row(table, "address", TERMINAL_PLAIN, reply->address);
    add_row(table, "leads to", TERMINAL_PLAIN, reply->location);
    add_ms(table, "name", reply->resolve_ms);
    add_ms(table, "connection", reply->connect_ms);
    add_ms(table, "TLS", reply->tls_ms);
    add_ms(table, "first byte", reply->first_byte_ms);
    add_ms(table, "all", reply->total_ms);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)reply->bytes);
    add_row(table, "bytes", TERMINAL_PLAIN, reply->status > 0 ? text : "");
    if (reply->certificate)
        add_certificate(table, reply->certificate);
    table_print(table, &cli->terminal);
    table_free(table);
}

static int read_options(const struct cli *cli, Roost__V1__HttpProbeRequest *request) {
    uint64_t timeout_ms = 0;

    int r = cli_duration(cli, "wait", &timeout_ms);
    request->timeout_ms = (uint32_t)timeout_ms;
    request->redirects = args_has(cli->args, "follow") ? REDIRECTS : 0;
    if (args_has(cli->args, "head"))
        request->method = "HEAD";
    return r;
}

static int run(struct cli *cli) {
    Roost__V1__HttpProbeRequest request = ROOST__V1__HTTP_PROBE_REQUEST__INIT;
    auto_(mem_freep) char *name = NULL, *url = NULL;
    const char *target = args_at(cli->args, 1);
    ProtobufCMessage *reply;

    int r = read_options(cli, &request);
    if (r == 0)
        r = nodes_one(cli, args_at(cli->args, 0), "probe", &name);
    if (r != 0)
        return r;
    url = mem_printf("%s%s", strstr(target, "://") ? "" : "https://", target);
    request.url = url;
    struct session_ask ask = {
        .node = name,
        .method = "/roost.v1.Probe/Http",
        .request = &request.base,
        .reply_type = &roost__v1__http_probe_response__descriptor,
        .timeout_ms = request.timeout_ms ? request.timeout_ms + CALL_MORE_MS : 0,
    };
    r = hub_call(cli, name, ask, &reply);
    if (r != 0)
        return r;
    const Roost__V1__HttpProbeResponse *response =
        (const Roost__V1__HttpProbeResponse *)reply;
    if (cli->json)
        r = output_message(reply, true);
    else
        print_table(cli, response);
    if (r == 0 && !response->ok)
        r = REPORT_FAILED;
    pb_free(reply);
    return r;
}

static const struct args_option options[] = {
    { "head", 0, NULL, "ask for the head alone" },
    { "follow", 'f', NULL, "follow up to five redirects" },
    { "wait", 0, "DURATION", "how long it may take (10s)" },
    { 0 },
};

static const char *const examples[] = {
    "roost probe http pi https://example.org",
    "status, times and certificate, as pi sees them",
    "roost probe http pi http://nas:8080/health --follow",
    "and where it leads",
    "roost probe http pi example.org --json | jq .certificate.daysLeft",
    "when the certificate expires, for a script",
    NULL,
};

const struct command cmd_probe_http = {
    .name = "http",
    .usage = "NODE URL",
    .summary = "ask a web server from a node: status, times, certificate",
    .details =
        "Without http:// or https:// it is https. A server whose certificate cannot be\n"
        "trusted is asked all the same, and all that is wrong with it is told. The\n"
        "node's policy must allow each server on the way: \"roost-agent allow probe\n"
        "HOST:PORT\". Exit status 1: no answer, a status from 400 on, or no trust.",
    .examples = examples,
    .options = options,
    .least = 2,
    .most = 2,
    .operands = "node",
    .run = run,
};
