#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/following.h"
#include "cli/hub/hub.h"
#include "cli/nodes/nodes.h"
#include "cli/output.h"
#include "cli/terminal/text.h"
#include "cli/terminal/units.h"
#include "cli/terminal/when.h"
#include "loop/loop.h"
#include "roost/v1/activity.pb-c.h"
#include "rpc/client.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum { COUNT_MAX = 1000 };

/* What -f shows. */
struct newer {
    struct cli *cli; /* borrowed: the command */
    uint64_t last_id;
};

static enum terminal_colour colour_of(const char *kind) {
    static const struct {
        const char *kind;
        enum terminal_colour colour;
    } colours[] = {
        { "node.registered", TERMINAL_GREEN }, { "node.unregistered", TERMINAL_YELLOW },
        { "node.refused", TERMINAL_RED },      { "node.removed", TERMINAL_RED },
        { "token.revoked", TERMINAL_RED },     { "user.claimed", TERMINAL_CYAN },
        { "hub.started", TERMINAL_CYAN },      { "dropped", TERMINAL_RED },
        { "act.refused", TERMINAL_RED },       { "act.unclear", TERMINAL_RED },
        { "user.removed", TERMINAL_RED },      { "grant.revoked", TERMINAL_YELLOW },
        { "approval.asked", TERMINAL_YELLOW }, { "approval.rejected", TERMINAL_RED },
    };
    for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
        if (strcmp(colours[i].kind, kind) == 0)
            return colours[i].colour;
    return TERMINAL_PLAIN;
}

static void add_padded(struct buf *out, const char *text, size_t columns) {
    size_t width = text_width(text);

    text_add_clean(out, text);
    text_add_spaces(out, width < columns ? columns - width : 0);
}

/* " NOT_FOUND 1.5 ms 12 B/20 KiB": how the call ended, how long it took, what it moved.
 */
static void add_call(struct buf *out, const Roost__V1__ProxiedCall *call) {
    char length[UNITS_LEN], request[UNITS_LEN], reply[UNITS_LEN];

    units_latency(call->duration_us, length);
    units_bytes((double)call->request_bytes, request);
    units_bytes((double)call->reply_bytes, reply);
    buf_printf(out, "  %s  %s  %s/%s", grpc_status_name((int)call->status), length,
               request, reply);
}

/* One line: local time, kind, node, text, actor. */
static void print_text(const struct cli *cli, const Roost__V1__ActivityEvent *event) {
    const struct terminal *terminal = &cli->terminal;
    time_t seconds = event->time ? (time_t)event->time->seconds : 0;
    struct tm local;
    char when[32] = "";
    struct buf out = { 0 };

    if (localtime_r(&seconds, &local))
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
    buf_printf(&out, "%s%s%s  %s", terminal_colour(terminal, TERMINAL_DIM), when,
               terminal_colour(terminal, TERMINAL_PLAIN),
               terminal_colour(terminal, colour_of(event->kind)));
    add_padded(&out, event->kind, 18);
    buf_printf(&out, "%s  %s", terminal_colour(terminal, TERMINAL_PLAIN),
               terminal_colour(terminal, TERMINAL_BOLD));
    add_padded(&out, event->node, 12);
    buf_printf(&out, "%s  ", terminal_colour(terminal, TERMINAL_PLAIN));
    text_add_clean(&out, event->text);
    if (event->call)
        add_call(&out, event->call);
    if (*event->actor) {
        buf_printf(&out, " %s(", terminal_colour(terminal, TERMINAL_DIM));
        text_add_clean(&out, event->actor);
        buf_printf(&out, ")%s", terminal_colour(terminal, TERMINAL_PLAIN));
    }
    buf_add_byte(&out, '\n');
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
}

/* 0, or a status. With -f JSON is one object a line. */
static int print_event(struct cli *cli, const Roost__V1__ActivityEvent *event) {
    if (cli->json)
        return output_message(&event->base, false);
    print_text(cli, event);
    return 0;
}

static int print_list(struct cli *cli,
                      const Roost__V1__ListActivityResponse *list,
                      uint64_t *ret_last_id) {
    if (cli->json && !args_has(cli->args, "follow"))
        return output_message(&list->base, true);
    for (size_t i = list->n_events; i > 0; i--) { /* newest first there, last here */
        const Roost__V1__ActivityEvent *event = list->events[i - 1];
        int r = print_event(cli, event);
        if (r != 0)
            return r;
        *ret_last_id = event->id > *ret_last_id ? event->id : *ret_last_id;
    }
    return 0;
}

static int show_past(struct cli *cli, uint32_t count, uint64_t *ret_last_id) {
    Roost__V1__ListActivityRequest request = ROOST__V1__LIST_ACTIVITY_REQUEST__INIT;
    Google__Protobuf__Timestamp since, until;
    int64_t since_ms = -1, until_ms = -1;
    struct session_ask ask = {
        .method = "/roost.v1.Activity/List",
        .request = &request.base,
        .reply_type = &roost__v1__list_activity_response__descriptor,
    };
    ProtobufCMessage *reply;

    int r = when_option(cli, "since", &since_ms);
    if (r == 0)
        r = when_option(cli, "until", &until_ms);
    if (r != 0)
        return r;
    if (since_ms >= 0)
        request.since = timestamp_set(&since, since_ms);
    if (until_ms >= 0)
        request.until = timestamp_set(&until, until_ms);
    request.node = pb_lend(args_value(cli->args, "node"));
    request.actor = pb_lend(args_value(cli->args, "actor"));
    request.kind = pb_lend(args_value(cli->args, "kind"));
    request.limit = count;
    r = hub_call(cli, "activity", ask, &reply);
    if (r != 0)
        return r;
    r = print_list(cli, (const Roost__V1__ListActivityResponse *)reply, ret_last_id);
    pb_free(reply);
    return r;
}

static bool shows_calls(const struct cli *cli) {
    return args_has(cli->args, "calls") || args_has(cli->args, "method");
}

static int show_newer(void *arg, const ProtobufCMessage *message) {
    const Roost__V1__ActivityEvent *event = (const Roost__V1__ActivityEvent *)message;
    struct newer *newer = arg;

    if (event->id > 0 && event->id <= newer->last_id) /* 0: it is not kept */
        return 0;
    if (event->id > 0)
        newer->last_id = event->id;
    return print_event(newer->cli, event);
}

static int follow(struct cli *cli, uint64_t last_id) {
    Roost__V1__WatchActivityRequest watch = ROOST__V1__WATCH_ACTIVITY_REQUEST__INIT;
    struct newer newer = { .cli = cli, .last_id = last_id };
    const struct following_config config = {
        .name = "activity",
        .method = "/roost.v1.Activity/Watch",
        .request = &watch.base,
        .type = &roost__v1__activity_event__descriptor,
        .show = show_newer,
        .arg = &newer,
    };

    watch.node = pb_lend(args_value(cli->args, "node"));
    watch.actor = pb_lend(args_value(cli->args, "actor"));
    watch.kind = pb_lend(args_value(cli->args, "kind"));
    watch.after_id = last_id;
    watch.calls = shows_calls(cli);
    watch.method = pb_lend(args_value(cli->args, "method"));
    return following_run(cli, &config);
}

static int run(struct cli *cli) {
    bool follows = args_has(cli->args, "follow") || shows_calls(cli);
    bool only_calls = args_has(cli->args, "method");
    uint64_t last_id = 0;
    uint32_t count = only_calls ? 0 : follows ? 10 : 100;

    int r = cli_number(cli, "lines", "-n", 0, COUNT_MAX, &count);
    if (r == 0 && !only_calls && (count > 0 || !follows))
        r = show_past(cli, count, &last_id);
    else if (r == 0)
        r = hub_connect(cli);
    if (r != 0 || !follows)
        return r;
    return follow(cli, last_id);
}

static const struct args_option options[] = {
    { "follow", 'f', NULL, "go on with what happens" },
    { "lines", 'n', "N", "at most so many (100; 10 with -f)" },
    { "node", 0, "NODE", "only of this node" },
    { "actor", 0, "USER", "only by this user or program" },
    { "kind", 0, "KIND", "only of this kind: act.refused; \"act.\" is all of acts" },
    { "calls", 0, NULL, "also the calls to nodes, as they end (goes on, as with -f)" },
    { "method", 0, "PATTERN", "only calls of such methods ('/mail.*')" },
    { "since", 0, "TIME", "from then on: 2h (ago), 2026-11-20, yesterday" },
    { "until", 0, "TIME", "up to then" },
    { 0 },
};

static const char *const examples[] = {
    "roost activity",
    "what happened last",
    "roost activity -f --node pi",
    "what happens to one node",
    "roost activity --node pi --kind act. --since 1d",
    "what was done to it, and by whom",
    "roost activity --calls --node pi",
    "and each call to it",
    "roost activity --since 1d --json",
    "a day of it for a script",
    NULL,
};

const struct command cmd_activity = {
    .name = "activity",
    .alias = "activities",
    .usage = "",
    .summary = "show what happened",
    .details =
        "Calls that act on a node (signals, units, power, probes) are kept, with what "
        "was\nasked, by whom, and how it ended; \"act.unclear\" is one of which the hub "
        "did not\nlearn the end. Other calls to nodes are not kept one by one: --calls "
        "shows them as they end, with "
        "status, duration, and the bytes of request and reply; \"roost traffic\" shows "
        "what was counted. A terminal that is too slow misses some, and is told how "
        "many.",
    .examples = examples,
    .options = options,
    .run = run,
};
