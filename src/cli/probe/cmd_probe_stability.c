#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/charts/picture.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/nodes/nodes.h"
#include "cli/output.h"
#include "cli/probe/report_stream.h"
#include "cli/terminal/bars.h"
#include "cli/terminal/units.h"
#include "cli/terminal/when.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "roost/v1/probe.pb-c.h"
#include "wire/timestamp.h"

enum {
    ID_LEN = 16,
    SPARK_COLUMNS = 32,
    COUNT_MAX = 1000000, /* answers that a hub may tell */
    COME_BACK_MS = 500,  /* between tries to connect again */
    COME_BACK_TRIES = 120,
};

struct pause {
    struct timer timer;
    struct loop *loop; /* borrowed: the command's */
    bool over;
};

struct stability {
    struct cli *cli;  /* borrowed: the caller */
    const char *name; /* borrowed: the caller */
    struct bars_history history;
    char id[ID_LEN + 1]; /* "": not known yet */
    float *rtts_ms;      /* owned: of all reports */
    size_t count;
    size_t room;
    struct buf last; /* the newest report, packed, without its answers */
    bool has_line;   /* of progress, on the terminal */
    bool wants_end;  /* Ctrl-C */
    bool detach;
    bool is_done;
};

static void wipe_line(struct stability *stability) {
    if (stability->has_line)
        fputs("\r\033[K", stdout);
    stability->has_line = false;
}

static void show_progress(struct stability *stability,
                          const Roost__V1__StabilityReport *report) {
    const struct terminal *terminal = &stability->cli->terminal;
    struct buf line = { 0 };

    if (!terminal->is_terminal || stability->cli->json || stability->cli->quiet)
        return;
    buf_add_text(&line, "\r\033[K");
    bars_add_spark(&line, &stability->history, 0, SPARK_COLUMNS, terminal->unicode);
    buf_printf(&line, " %u/%u", report->sent, report->planned);
    if (report->rtt)
        buf_printf(&line, "  %.1f ms, jitter %.1f ms", report->rtt->mean_ms,
                   report->rtt->jitter_ms);
    buf_printf(&line, "  %s%u lost (%.2f %%)%s",
               terminal_colour(terminal, report->lost ? TERMINAL_RED : TERMINAL_PLAIN),
               report->lost, report->loss_percent,
               terminal_colour(terminal, TERMINAL_PLAIN));
    fwrite(line.data, 1, line.len, stdout);
    fflush(stdout);
    buf_done(&line);
    stability->has_line = true;
}

/* Answers that are new; after attaching again those that are known come once more. */
static void take_answers(struct stability *stability,
                         const Roost__V1__StabilityReport *report) {
    for (size_t i = 0; i < report->n_rtts_ms; i++) {
        float rtt = report->rtts_ms[i];
        if ((size_t)report->first + i != stability->count ||
            stability->count == COUNT_MAX)
            continue;
        if (stability->count == stability->room) {
            stability->room = stability->room ? 2 * stability->room : 1024;
            stability->rtts_ms = mem_grow(stability->rtts_ms,
                                          stability->room * sizeof(*stability->rtts_ms));
        }
        stability->rtts_ms[stability->count++] = rtt;
        bars_history_add(&stability->history, rtt < 0 ? 0 : (double)rtt);
    }
}

static bool on_message(void *user, const ProtobufCMessage *message) {
    Roost__V1__StabilityReport report = *(const Roost__V1__StabilityReport *)message;
    struct stability *stability = user;

    if (strlen(report.test_id) == ID_LEN)
        memcpy(stability->id, report.test_id, ID_LEN + 1);
    take_answers(stability, &report);
    report.n_rtts_ms = 0;
    report.first = 0;
    buf_clear(&stability->last);
    pb_pack(&stability->last, &report.base);
    stability->is_done = report.done;
    if (stability->detach)
        return false;
    if (!report.done)
        show_progress(stability, &report);
    return true;
}

/* The first one ends the test, the second one this program. */
static bool on_signal(void *user, int signo) {
    struct stability *stability = user;

    stability->wants_end = true;
    return false;
}

static void print_outages(const Roost__V1__StabilityReport *report) {
    for (size_t i = 0; i < report->n_outages; i++) {
        const Roost__V1__Outage *outage = report->outages[i];
        char start[WHEN_LEN], end[WHEN_LEN], length[UNITS_LEN];
        int64_t start_ms = timestamp_get(outage->start);
        int64_t end_ms = timestamp_get(outage->end);
        when_print(start_ms, true, start);
        when_print(end_ms, true, end);
        units_duration((double)(end_ms - start_ms) / 1000, length);
        printf("  outage     %s to %s (%s, %u lost)\n", start, end, length, outage->lost);
    }
}

static void print_report(const struct stability *stability,
                         const Roost__V1__StabilityReport *report) {
    const Roost__V1__Latency *rtt = report->rtt;

    printf("%s, test %s\n", stability->name, stability->id);
    printf("  sent       %u, every %u ms\n", report->sent, report->interval_ms);
    printf("  lost       %u (%.2f %%)\n", report->lost, report->loss_percent);
    if (rtt && rtt->count > 0)
        printf("  round trip %.2f ms mean, p50 %.2f, p95 %.2f, p99 %.2f, least %.2f, "
               "greatest %.2f\n  jitter     %.2f ms\n",
               rtt->mean_ms, rtt->p50_ms, rtt->p95_ms, rtt->p99_ms, rtt->min_ms,
               rtt->max_ms, rtt->jitter_ms);
    print_outages(report);
}

static int print_result(struct stability *stability, Roost__V1__StabilityReport *report) {
    const char *path = args_value(stability->cli->args, "output");
    int r = 0;

    if (path && report->chart_png.len > 0)
        r = picture_put(path, slice_of(report->chart_png.data, report->chart_png.len));
    else if (path)
        r = report_fail(REPORT_FAILED, NULL, "%s: the hub drew no chart",
                        stability->name);
    if (!stability->cli->json && !(path && strcmp(path, "-") == 0))
        print_report(stability, report);
    if (!stability->cli->json)
        return r;
    Roost__V1__StabilityReport all = *report;
    all.chart_png.len = 0;
    all.rtts_ms = stability->rtts_ms;
    all.n_rtts_ms = stability->count;
    int printed = output_message(&all.base, true);
    return r != 0 ? r : printed;
}

static void print_detached(const struct stability *stability) {
    printf("%s\n", stability->id);
    report_note("the test goes on; its result is kept for an hour:\n"
                "try: roost probe stability %s --attach %s",
                stability->name, stability->id);
}

/* One call: true when there is a reason to attach again. */
static bool run_once(struct stability *stability,
                     Roost__V1__StabilityRequest *request,
                     struct report_stream_end *ret_end) {
    struct report_stream stream = {
        .node = stability->name,
        .method = "/roost.v1.Probe/Stability",
        .request = &request->base,
        .reply_type = &roost__v1__stability_report__descriptor,
        .on_message = on_message,
        .on_signal = on_signal,
        .user = stability,
    };
    bool had_end = request->end;

    request->test_id = stability->id;
    report_stream_run(stability->cli, &stream, ret_end);
    if (stability->id[0] == '\0' || stability->is_done || stability->detach)
        return false;
    request->end = stability->wants_end;
    if (ret_end->signo)
        return !had_end;
    return ret_end->status == GRPC_UNAVAILABLE;
}

static int finish(struct stability *stability, const struct report_stream_end *end) {
    ProtobufCMessage *report = NULL;

    wipe_line(stability);
    if (stability->detach && stability->id[0] != '\0') {
        print_detached(stability);
        return REPORT_OK;
    }
    if (stability->last.len == 0 || pb_unpack(&roost__v1__stability_report__descriptor,
                                              buf_slice(&stability->last), &report) != 0)
        return end->signo ? REPORT_FAILED
                          : hub_report_call(stability->cli, stability->name, end->status,
                                            end->message);
    int r = 0;
    if (stability->is_done)
        r = print_result(stability, (Roost__V1__StabilityReport *)report);
    pb_free(report);
    if (end->status == GRPC_OK)
        return r;
    if (end->signo)
        return report_fail(REPORT_FAILED, NULL, "%s: test %s was left to itself",
                           stability->name, stability->id);
    return hub_report_call(stability->cli, stability->name, end->status, end->message);
}

static int read_request(const struct cli *cli, Roost__V1__StabilityRequest *request) {
    uint64_t interval_ms = 0;
    uint64_t for_ms = 0;
    const char *id = args_value(cli->args, "attach");

    int r = cli_duration(cli, "interval", &interval_ms);
    if (r == 0)
        r = cli_duration(cli, "for", &for_ms);
    if (r != 0)
        return r;
    if (args_has(cli->args, "interval") && (interval_ms < 10 || interval_ms > 10000))
        return cli_usage(cli, "--interval: it is from 10ms to 10s");
    if (args_has(cli->args, "for") && (for_ms < 1000 || for_ms > 86400000))
        return cli_usage(cli, "--for: it is from 1s to 1d");
    if (id && strlen(id) != ID_LEN)
        return cli_usage(cli, "--attach: \"%s\" is no test's id (%d characters)", id,
                         ID_LEN);
    if (args_has(cli->args, "end") && !id)
        return cli_usage(cli, "--end: which test? --attach ID says it");
    if (args_has(cli->args, "detach") && args_has(cli->args, "output"))
        return cli_usage(cli, "--detach: the chart comes with the result: --attach ID "
                              "-o FILE, later");
    request->interval_ms = (uint32_t)interval_ms;
    request->seconds = (uint32_t)(for_ms / 1000);
    request->chart = args_has(cli->args, "output");
    request->end = args_has(cli->args, "end");
    return 0;
}

static void on_pause(struct timer *timer) {
    struct pause *pause = container_of(timer, struct pause, timer);

    pause->over = true;
    loop_stop(pause->loop);
}

/* Connects again, for as long as a hub may take to be restarted. */
static bool come_back(struct cli *cli) {
    static const bool never = false;

    for (int i = 0; i < COME_BACK_TRIES; i++) {
        struct pause pause = { .timer.fire = on_pause, .loop = cli_loop(cli) };
        timer_start(pause.loop, &pause.timer, COME_BACK_MS);
        while (!pause.over)
            loop_run(pause.loop);
        if (hub_reconnect(cli, &never))
            return true;
    }
    return false;
}

static int run(struct cli *cli) {
    Roost__V1__StabilityRequest request = ROOST__V1__STABILITY_REQUEST__INIT;
    const char *id = args_value(cli->args, "attach");
    auto_(mem_freep) char *name = NULL;
    struct stability stability = { .cli = cli };
    struct report_stream_end end = { 0 };

    int r = read_request(cli, &request);
    if (r == 0)
        r = nodes_one(cli, args_at(cli->args, 0), "probe stability", &name);
    if (r == 0)
        r = hub_connect(cli);
    if (r != 0)
        return r;
    stability.name = name;
    stability.detach = args_has(cli->args, "detach");
    if (id)
        memcpy(stability.id, id, ID_LEN + 1);
    bool again = run_once(&stability, &request, &end);
    while (again) {
        if (end.signo == 0 && !come_back(cli))
            break;
        free(end.message);
        again = run_once(&stability, &request, &end);
    }
    r = finish(&stability, &end);
    free(end.message);
    free(stability.rtts_ms);
    buf_done(&stability.last);
    return r;
}

static const struct args_option options[] = {
    { "interval", 0, "TIME", "between datagrams (200ms), from 10ms to 10s" },
    { "for", 0, "TIME", "how long (60s), at most 1d" },
    { "output", 'o', "FILE", "a chart as PNG; - is standard output" },
    { "detach", 0, NULL, "begin it, print its id and leave" },
    { "attach", 0, "ID", "to a test that runs, or ended within the hour" },
    { "end", 0, NULL, "end the test of --attach now" },
    { 0 },
};

static const char *const examples[] = {
    "roost probe stability pi",
    "a minute, five datagrams a second",
    "roost probe stability pi --interval 50ms --for 1h -o pi.png",
    "an hour, with a chart; Ctrl-C ends it earlier",
    "roost probe stability pi --for 1d --detach",
    "prints the test's id; it goes on without us",
    "roost probe stability pi --attach 8c6f0a1b2d3e4f50",
    "its result, or how it goes",
    NULL,
};

const struct command cmd_probe_stability = {
    .name = "stability",
    .usage = "NODE",
    .summary = "how steadily datagrams come back",
    .details =
        "The node sends datagrams to the hub's echo (UDP, [probe] udp_port) beside "
        "its link,\nand counts what comes back. The test goes on while the link is "
        "away. An outage is\na silence of 3 seconds or more.",
    .examples = examples,
    .options = options,
    .least = 1,
    .most = 1,
    .operands = "node",
    .run = run,
};
