#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/output.h"
#include "cli/terminal/table.h"
#include "cli/terminal/units.h"
#include "cli/terminal/when.h"
#include "roost/v1/activity.pb-c.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum { LINES_MAX = 10000, BY_MAX = 3 };

/* A request, and what it points to. */
struct question {
    Roost__V1__TrafficRequest request;
    Google__Protobuf__Timestamp since;
    Google__Protobuf__Timestamp until;
    Roost__V1__TrafficBy by[BY_MAX];
};

static bool add_by(struct question *question, const char *word, size_t len) {
    static const char *const words[] = { "node", "caller", "method" };

    for (size_t i = 0; i < BY_MAX; i++) {
        if (strlen(words[i]) != len || strncmp(words[i], word, len) != 0)
            continue;
        for (size_t at = 0; at < question->request.n_by; at++)
            if (question->by[at] == (Roost__V1__TrafficBy)(i + 1))
                return true;
        question->by[question->request.n_by++] = (Roost__V1__TrafficBy)(i + 1);
        return true;
    }
    return false;
}

/* "node,method"; all three unless it was given. */
static int read_by(const struct cli *cli, struct question *question) {
    const char *text = args_value(cli->args, "by");

    question->request.by = question->by;
    for (const char *at = text ? text : "node,caller,method"; *at;) {
        size_t len = strcspn(at, ",");
        if (!add_by(question, at, len))
            return cli_usage(cli,
                             "--by: \"%s\" is not node, caller or method, or "
                             "several of them apart by commas",
                             text);
        at += len + (at[len] == ',');
    }
    return 0;
}

static int read_step(const struct cli *cli, struct question *question) {
    const char *text = args_value(cli->args, "step");
    uint64_t ms;

    if (!text)
        return 0;
    if (clock_parse_duration(text, &ms) != 0 || ms == 0 || ms % 60000 != 0 ||
        ms / 1000 > UINT32_MAX)
        return cli_usage(cli,
                         "--step: \"%s\" is no number of whole minutes, such as 1m "
                         "or 6h",
                         text);
    question->request.step_s = (uint32_t)(ms / 1000);
    return 0;
}

static int read_times(const struct cli *cli, struct question *question) {
    int64_t since_ms = 0, until_ms = 0;

    int r = when_option(cli, "since", &since_ms);
    if (r == 0)
        r = when_option(cli, "until", &until_ms);
    if (r != 0)
        return r;
    question->request.since = timestamp_set(&question->since, since_ms);
    question->request.until = timestamp_set(&question->until, until_ms);
    return 0;
}

static int read_question(const struct cli *cli, struct question *question) {
    roost__v1__traffic_request__init(&question->request);
    question->request.caller = pb_lend(args_value(cli->args, "caller"));
    question->request.method = pb_lend(args_value(cli->args, "method"));
    int r = read_by(cli, question);
    if (r == 0)
        r = read_step(cli, question);
    if (r == 0)
        r = cli_number(cli, "lines", "-n", 1, LINES_MAX, &question->request.limit);
    return r == 0 ? read_times(cli, question) : r;
}

static void add_latency(struct table *table, uint64_t us) {
    char text[UNITS_LEN];
    units_latency(us, text);
    table_cell(table, TERMINAL_PLAIN, text);
}

static void add_bytes(struct table *table, uint64_t bytes) {
    char text[UNITS_LEN];
    units_bytes((double)bytes, text);
    table_cell(table, TERMINAL_PLAIN, text);
}

static void add_sum(struct table *table, const Roost__V1__TrafficSum *sum, bool steps) {
    char when[WHEN_LEN] = "";

    if (steps)
        when_print(timestamp_get(sum->time), false, when);
    table_cell(table, TERMINAL_DIM, when);
    table_cell(table, TERMINAL_BOLD, sum->node);
    table_cell(table, TERMINAL_PLAIN, sum->caller);
    table_cell(table, TERMINAL_PLAIN, sum->method);
    table_printf(table, TERMINAL_PLAIN, "%" PRIu64, sum->calls);
    if (sum->errors > 0)
        table_printf(table, TERMINAL_RED, "%" PRIu64, sum->errors);
    else
        table_cell(table, TERMINAL_PLAIN, "");
    add_latency(table, sum->calls > 0 ? sum->duration_us / sum->calls : 0);
    add_latency(table, sum->p50_us);
    add_latency(table, sum->p99_us);
    add_latency(table, sum->longest_us);
    add_bytes(table, sum->request_bytes);
    add_bytes(table, sum->reply_bytes);
}

static void print_table(const struct cli *cli,
                        const Roost__V1__TrafficResponse *response,
                        bool steps) {
    struct table *table = table_new();

    table_column(table, "TIME", TABLE_LEFT);
    table_column(table, "NODE", TABLE_LEFT);
    table_column(table, "CALLER", TABLE_LEFT);
    table_column(table, "METHOD", TABLE_FLEXIBLE);
    table_column(table, "CALLS", TABLE_RIGHT);
    table_column(table, "ERRORS", TABLE_RIGHT);
    table_column(table, "MEAN", TABLE_RIGHT);
    table_column(table, "P50", TABLE_RIGHT);
    table_column(table, "P99", TABLE_RIGHT);
    table_column(table, "MAX", TABLE_RIGHT);
    table_column(table, "REQUEST", TABLE_RIGHT);
    table_column(table, "REPLY", TABLE_RIGHT);
    for (size_t i = 0; i < response->n_sums; i++)
        add_sum(table, response->sums[i], steps);
    table_print(table, &cli->terminal);
    table_free(table);
    if (response->truncated && !cli->quiet)
        fprintf(stderr, "there are more; -n shows up to %d lines\n", LINES_MAX);
}

static int run(struct cli *cli) {
    auto_(mem_freep) char *selection = cli_selection(cli, 0);
    struct question question = { 0 };
    struct session_ask ask = {
        .method = "/roost.v1.Activity/Traffic",
        .request = &question.request.base,
        .reply_type = &roost__v1__traffic_response__descriptor,
    };
    ProtobufCMessage *reply;

    int r = read_question(cli, &question);
    if (r != 0)
        return r;
    question.request.select = selection;
    r = hub_call(cli, *selection ? selection : "traffic", ask, &reply);
    if (r != 0)
        return r;
    const Roost__V1__TrafficResponse *response =
        (const Roost__V1__TrafficResponse *)reply;
    if (cli->json)
        r = output_message(reply, true);
    else if (response->n_sums > 0)
        print_table(cli, response, question.request.step_s > 0);
    else if (!cli->quiet)
        fprintf(stderr, "nothing was called in that time\n");
    pb_free(reply);
    return r;
}

static const struct args_option options[] = {
    { "by", 0, "WHAT", "node, caller, method, or several: node,method (all three)" },
    { "step", 0, "DURATION", "a line for each such time: 1m, 6h (one for all)" },
    { "caller", 0, "NAME", "only of this user or token" },
    { "method", 0, "PATTERN", "only such methods ('/mail.*')" },
    { "since", 0, "TIME", "from then on: 2h (ago), 2026-11-20, yesterday (1h)" },
    { "until", 0, "TIME", "up to then (now)" },
    { "lines", 'n', "N", "at most so many (1000)" },
    { 0 },
};

static const char *const examples[] = {
    "roost traffic",
    "what was called in the last hour, of which node and by whom",
    "roost traffic pi --by method --since 7d",
    "what a node is used for",
    "roost traffic --by node --step 1h --since 1d",
    "calls of each node, hour by hour",
    "roost traffic --by caller --json | jq '.sums[] | [.caller, .errors]'",
    "whose calls fail, for a script",
    NULL,
};

const struct command cmd_traffic = {
    .name = "traffic",
    .usage = "[NODE...]",
    .summary = "show how much was called through the hub",
    .details =
        "Calls that have ended are counted each minute by node, caller and method: how\n"
        "many, how many with another status than OK, how long they took, and the bytes\n"
        "of requests and replies. A tunnel is a call of the method CONNECT HOST:PORT.\n"
        "Counts are kept for 30 days ([activity] traffic_keep in roost.conf). \"roost\n"
        "activity --calls\" shows single calls as they end.",
    .examples = examples,
    .options = options,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run,
};
