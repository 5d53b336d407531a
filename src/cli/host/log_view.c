#include "cli/host/log_view.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/host/unit_out.h"
#include "cli/hub/hub.h"
#include "cli/nodes/nodes.h"
#include "cli/terminal/when.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "roost/v1/units.pb-c.h"
#include "rpc/client.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    LINES_MAX = 10000, /* as the agent has it */
    AGAIN_MS = 1000,   /* before a stream that broke is asked for again */
};

struct view {
    struct cli *cli;                 /* borrowed: the command */
    const char *node;                /* borrowed likewise */
    Roost__V1__LogsRequest *request; /* borrowed likewise */
    char *cursor;                    /* owned: of the last line; NULL: none yet */
    char *message;                   /* owned: how the call ended; NULL: it did not */
    enum grpc_status status;
    struct timer again;
    int code;
    bool done;
};

const struct args_option log_view_options[] = {
    { "lines", 'n', "N", "the last so many lines (100; 10 with -f)" },
    { "follow", 'f', NULL, "go on with what is logged" },
    { "since", 0, "TIME", "from then on: 2h (ago), 2026-11-20, yesterday" },
    { "until", 0, "TIME", "up to then" },
    { "priority", 'p', "LEVEL", "only this severe or worse: err, warning, 0 to 7" },
    { "grep", 'g', "TEXT", "only lines with this text" },
    { 0 },
};

static void finish(struct view *view) {
    view->done = true;
    loop_stop(cli_loop(view->cli));
}

static void on_message(void *user, struct slice bytes) {
    struct view *view = user;
    ProtobufCMessage *message;

    if (view->done || pb_unpack(&roost__v1__log_line__descriptor, bytes, &message) != 0)
        return;
    const Roost__V1__LogLine *line = (const Roost__V1__LogLine *)message;
    free(view->cursor);
    view->cursor = mem_strdup(line->cursor);
    view->code = unit_out_line(view->cli, line);
    pb_free(message);
    if (report_is_output_over() || view->code != 0)
        finish(view);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct view *view = user;

    (void)trailers;
    view->status = status;
    view->message = mem_strdup(message ? message : "");
    finish(view);
}

static void ask(struct view *view) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    struct cli *cli = view->cli;
    struct headers metadata;

    if (view->cursor)
        view->request->after_cursor = view->cursor;
    view->done = false;
    session_metadata(cli->session, view->node, &metadata);
    struct client_request request = {
        .method = "/roost.v1.Units/Logs",
        .metadata = &metadata,
        .timeout_ms = cli->timeout_ms,
    };
    struct client_call *call = client_start(cli_loop(cli), session_target(cli->session),
                                            &request, &events, view);
    client_send(call, &view->request->base);
    client_end(call);
    session_wait(cli->session, &view->done);
    headers_done(&metadata);
    if (!view->message)
        client_cancel(call);
}

static void on_again(struct timer *timer) {
    finish(container_of(timer, struct view, again));
}

/* The link or the hub broke while lines were followed: true when it is there again. */
static bool wait_for_link(struct view *view) {
    static const bool never = false;
    struct cli *cli = view->cli;

    if (!view->request->follow || view->status != GRPC_UNAVAILABLE || !view->cursor)
        return false;
    free(TAKE(view->message));
    do {
        view->done = false;
        view->again.fire = on_again;
        timer_start(cli_loop(cli), &view->again, AGAIN_MS);
        loop_run(cli_loop(cli));
        timer_stop(&view->again);
    } while ((!cli->session || session_is_lost(cli->session)) &&
             !hub_reconnect(cli, &never));
    return true;
}

static int show(struct view *view) {
    int r = hub_connect(view->cli);
    if (r != 0)
        return r;
    do
        ask(view);
    while (wait_for_link(view));
    if (view->message && view->status != GRPC_OK)
        view->code = hub_report_call(view->cli, view->node, view->status, view->message);
    free(view->message);
    free(view->cursor);
    return view->code;
}

/* --- what was asked for --- */

static int read_priority(const struct cli *cli, Roost__V1__LogsRequest *request) {
    static const char *const names[] = { "emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug" };
    const char *text = args_value(cli->args, "priority");

    if (!text)
        return 0;
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], text) != 0 && !(text[0] == (char)('0' + i) && !text[1]))
            continue;
        request->priority_known_case = ROOST__V1__LOGS_REQUEST__PRIORITY_KNOWN_PRIORITY;
        request->priority = i;
        return 0;
    }
    return cli_usage(cli,
                     "-p: \"%s\" is none of emerg alert crit err warning notice info "
                     "debug, nor 0 to 7",
                     text);
}

static int read_time(const struct cli *cli,
                     const char *option,
                     Google__Protobuf__Timestamp *time,
                     Google__Protobuf__Timestamp **ret_field) {
    int64_t at_ms = -1;

    int r = when_option(cli, option, &at_ms);
    if (r != 0 || at_ms < 0)
        return r;
    google__protobuf__timestamp__init(time);
    *ret_field = timestamp_set(time, at_ms);
    return 0;
}

int log_view_run(struct cli *cli) {
    Roost__V1__LogsRequest request = ROOST__V1__LOGS_REQUEST__INIT;
    Google__Protobuf__Timestamp since, until;
    auto_(mem_freep) char *node = NULL;
    const char *unit = args_count(cli->args) > 1 ? args_at(cli->args, 1) : "";

    request.lines = args_has(cli->args, "follow") ? 10 : 100;
    int r = cli_number(cli, "lines", "-n", 1, LINES_MAX, &request.lines);
    if (r == 0)
        r = read_priority(cli, &request);
    if (r == 0)
        r = read_time(cli, "since", &since, &request.since);
    if (r == 0)
        r = read_time(cli, "until", &until, &request.until);
    if (r == 0)
        r = nodes_one(cli, args_at(cli->args, 0), "logs", &node);
    if (r != 0)
        return r;
    request.unit = pb_lend(unit);
    request.grep = pb_lend(args_value(cli->args, "grep"));
    request.follow = args_has(cli->args, "follow");
    struct view view = { .cli = cli, .node = node, .request = &request };
    return show(&view);
}
