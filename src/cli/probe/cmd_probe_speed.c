#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/nodes/nodes.h"
#include "cli/output.h"
#include "cli/probe/report_stream.h"
#include "cli/terminal/bars.h"
#include "cli/terminal/units.h"
#include "draw/figure.h"
#include "roost/v1/probe.pb-c.h"
#include "wire/pb.h"

enum {
    SECONDS_MAX = 30,
    SPARK_COLUMNS = 24,
};

struct speed {
    struct cli *cli;  /* borrowed: the caller */
    const char *name; /* borrowed: the caller */
    const char *url;  /* borrowed: the caller; "": the hub */
    struct bars_history history;
    char phase[16];
    ProtobufCMessage *result; /* owned; NULL: none came */
    bool has_line;            /* of progress, on the terminal */
};

/* "94.1 Mbit/s". */
static void print_rate(double bits_per_second, char ret_text[static FIGURE_LEN]) {
    figure_print(bits_per_second / 8, FIGURE_BIT_RATE, FIGURE_AUTO, ret_text);
}

static void wipe_line(struct speed *speed) {
    if (speed->has_line)
        fputs("\r\033[K", stdout);
    speed->has_line = false;
}

static void show_progress(struct speed *speed, const Roost__V1__SpeedTestReport *report) {
    const struct terminal *terminal = &speed->cli->terminal;
    struct buf line = { 0 };
    char rate[FIGURE_LEN];

    if (!terminal->is_terminal || speed->cli->json || speed->cli->quiet)
        return;
    if (strcmp(speed->phase, report->phase) != 0) {
        speed->history = (struct bars_history) { 0 };
        snprintf(speed->phase, sizeof(speed->phase), "%s", report->phase);
    }
    bool is_idle = strcmp(report->phase, "idle") == 0;
    if (!is_idle && report->bytes > 0)
        bars_history_add(&speed->history, report->bits_per_second);
    print_rate(report->bits_per_second, rate);
    buf_printf(&line, "\r\033[K%-9s ", speed->phase);
    if (is_idle)
        buf_add_text(&line, "round trips");
    else
        bars_add_spark(&line, &speed->history, 0, SPARK_COLUMNS, terminal->unicode);
    if (!is_idle)
        buf_printf(&line, " %s", rate);
    fwrite(line.data, 1, line.len, stdout);
    fflush(stdout);
    buf_done(&line);
    speed->has_line = true;
}

static bool on_message(void *user, const ProtobufCMessage *message) {
    const Roost__V1__SpeedTestReport *report =
        (const Roost__V1__SpeedTestReport *)message;
    struct speed *speed = user;

    if (strcmp(report->phase, "done") != 0) {
        show_progress(speed, report);
        return true;
    }
    struct buf packed = { 0 };
    pb_pack(&packed, message);
    pb_free(speed->result);
    speed->result = NULL;
    if (pb_unpack(message->descriptor, buf_slice(&packed), &speed->result) != 0)
        speed->result = NULL;
    buf_done(&packed);
    return true;
}

static void print_direction(const char *what, double bits_per_second, uint64_t bytes) {
    char rate[FIGURE_LEN];
    char amount[UNITS_LEN];

    if (bytes == 0)
        return;
    print_rate(bits_per_second, rate);
    units_bytes((double)bytes, amount);
    printf("  %-10s %s  (%s)\n", what, rate, amount);
}

static void print_latency(const char *what, const Roost__V1__Latency *latency) {
    if (!latency || latency->count == 0)
        return;
    printf("  %-10s %.1f ms, p95 %.1f ms, jitter %.1f ms\n", what, latency->mean_ms,
           latency->p95_ms, latency->jitter_ms);
}

static void print_result(const struct speed *speed) {
    const Roost__V1__SpeedTestReport *report =
        (const Roost__V1__SpeedTestReport *)speed->result;

    printf("%s, %s\n", speed->name, *speed->url ? speed->url : "to the hub and back");
    print_direction("download", report->download_bits_per_second, report->download_bytes);
    print_direction("upload", report->upload_bits_per_second, report->upload_bytes);
    print_latency("idle", report->idle);
    print_latency("loaded", report->loaded_download);
    print_latency(report->loaded_download ? "" : "loaded", report->loaded_upload);
}

static int finish(struct speed *speed, const struct report_stream_end *end) {
    wipe_line(speed);
    if (end->signo)
        return report_fail(REPORT_FAILED, NULL, "%s: the test was ended", speed->name);
    if (end->status != GRPC_OK)
        return hub_report_call(speed->cli, speed->name, end->status, end->message);
    if (!speed->result)
        return report_fail(REPORT_FAILED, NULL, "%s: no result came", speed->name);
    if (speed->cli->json)
        return output_message(speed->result, true);
    print_result(speed);
    return REPORT_OK;
}

static int run(struct cli *cli) {
    Roost__V1__SpeedTestRequest request = ROOST__V1__SPEED_TEST_REQUEST__INIT;
    auto_(mem_freep) char *name = NULL;
    struct speed speed = { .cli = cli, .url = args_at(cli->args, 1) };
    uint64_t for_ms = 0;

    int r = cli_duration(cli, "for", &for_ms);
    if (r != 0)
        return r;
    if (for_ms > SECONDS_MAX * 1000 || (args_has(cli->args, "for") && for_ms < 1000))
        return cli_usage(cli, "--for: each direction takes from 1 s to %d s",
                         SECONDS_MAX);
    r = nodes_one(cli, args_at(cli->args, 0), "probe speed", &name);
    if (r == 0)
        r = hub_connect(cli);
    if (r != 0)
        return r;
    speed.name = name;
    if (!speed.url)
        speed.url = "";
    request.url = pb_lend(speed.url);
    request.seconds = (uint32_t)(for_ms / 1000);
    struct report_stream stream = {
        .node = name,
        .method = "/roost.v1.Probe/SpeedTest",
        .request = &request.base,
        .reply_type = &roost__v1__speed_test_report__descriptor,
        .on_message = on_message,
        .user = &speed,
    };
    struct report_stream_end end;
    report_stream_run(cli, &stream, &end);
    r = finish(&speed, &end);
    pb_free(speed.result);
    free(end.message);
    return r;
}

static const struct args_option options[] = {
    { "for", 0, "TIME", "how long each direction takes (8s), at most 30s" },
    { 0 },
};

static const char *const examples[] = {
    "roost probe speed pi",
    "download, upload, and how long answers take meanwhile",
    "roost probe speed pi --for 3s --json",
    "a quick one, for a script",
    "roost probe speed pi https://speed.example.org/100MB",
    "the node's way to the Internet; its policy must allow that host",
    NULL,
};

const struct command cmd_probe_speed = {
    .name = "speed",
    .usage = "NODE [URL]",
    .summary = "how fast a node's link is",
    .details =
        "Bytes go to the node, then from it, with the least weight on the link: "
        "other calls\ngo on. The ramp at the beginning is left out. With a URL the "
        "node fetches that.",
    .examples = examples,
    .options = options,
    .least = 1,
    .most = 2,
    .operands = "node",
    .run = run,
};
