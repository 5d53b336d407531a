#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/acts/act.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/host/processes.h"
#include "cli/hub/hub.h"
#include "cli/nodes/nodes.h"
#include "cli/output.h"
#include "cli/terminal/screen.h"
#include "cli/terminal/text.h"
#include "cli/terminal/units.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/client.h"
#include "wire/headers.h"

enum {
    COUNT = 20,
    COUNT_MAX = 100,
    FIRST_LOOK_MS = 300, /* somebody waits for the first picture */
    EVERY_MS = 2000,
    EVERY_MIN_MS = 250,
    EVERY_MAX_MS = 5000,
    ASK_MS = 15000,
    RETRY_MS = 1000,
};

struct top {
    struct cli *cli;          /* borrowed: the command */
    struct loop *loop;        /* borrowed: the command's */
    char *node;               /* owned */
    struct screen *screen;    /* owned; NULL: once */
    struct client_call *call; /* owned; NULL: nothing is asked */
    ProtobufCMessage *reply;  /* owned; the last answer; or NULL */
    char *notice;             /* owned; why there is no newer one; or NULL */
    struct timer next;
    Roost__V1__TopRequest request;
    uint64_t every_ms;
    bool groups;
    bool is_due;
    bool quit;
    int signo;
};

/* --- the picture --- */

static void add_groups(struct table *table, const Roost__V1__TopResponse *response) {
    table_column(table, "CPU %", TABLE_RIGHT);
    table_column(table, "MEMORY", TABLE_RIGHT);
    table_column(table, "NAME", TABLE_FLEXIBLE);
    for (size_t i = 0; i < response->n_groups; i++) {
        const Roost__V1__ProcessGroup *group = response->groups[i];
        char bytes[UNITS_LEN];
        units_bytes((double)group->rss_bytes, bytes);
        table_printf(table, TERMINAL_PLAIN, "%.1f", group->cpu_percent);
        table_cell(table, TERMINAL_PLAIN, bytes);
        table_cell(table, TERMINAL_BOLD, group->name);
    }
}

static struct table *make_table(const struct top *top,
                                const Roost__V1__TopResponse *response) {
    struct table *table;

    if (top->groups) {
        table = table_new();
        add_groups(table, response);
        return table;
    }
    table = processes_table(false);
    for (size_t i = 0; i < response->n_processes; i++)
        processes_add_row(table, NULL, response->processes[i], clock_wall_ms());
    return table;
}

static bool is_by_memory(const struct top *top) {
    return top->request.sort == ROOST__V1__PROCESS_SORT__PROCESS_SORT_MEMORY;
}

static void draw(struct top *top) {
    const struct terminal *terminal = &top->cli->terminal;
    const Roost__V1__TopResponse *response = (const Roost__V1__TopResponse *)top->reply;
    size_t rows = terminal->rows > 4 ? terminal->rows - 3 : 1;
    struct buf frame = { 0 };

    buf_printf(&frame, "%s%s%s  by %s", terminal_colour(terminal, TERMINAL_BOLD),
               top->node, terminal_colour(terminal, TERMINAL_PLAIN),
               is_by_memory(top) ? "memory" : "CPU");
    if (response)
        buf_printf(&frame, ", %u processes", response->host_total);
    buf_add_text(&frame, "\n");
    if (response) {
        struct table *table = make_table(top, response);
        table_render(table, terminal, "\n", rows, &frame);
        table_free(table);
    }
    buf_printf(&frame, "%s%s%s\n", terminal_colour(terminal, TERMINAL_DIM),
               top->notice ? top->notice : "c by CPU   m by memory   g by name   q quit",
               terminal_colour(terminal, TERMINAL_PLAIN));
    screen_show(top->screen, buf_slice(&frame));
    buf_done(&frame);
}

/* --- asking again and again --- */

static void wake(struct top *top) {
    loop_stop(top->loop);
}

static void on_next(struct timer *timer) {
    struct top *top = container_of(timer, struct top, next);

    top->is_due = true;
    wake(top);
}

static void set_notice(struct top *top, const char *text) {
    struct buf clean = { 0 };

    free(top->notice);
    top->notice = NULL;
    if (text) {
        text_add_clean(&clean, text);
        top->notice = buf_take_text(&clean);
    }
}

static void on_reply(void *user,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    struct top *top = user;
    struct buf packed = { 0 };

    top->call = NULL;
    if (status == GRPC_OK) {
        pb_free(top->reply);
        top->reply = NULL;
        pb_pack(&packed, reply);
        if (pb_unpack(reply->descriptor, buf_slice(&packed), &top->reply) != 0)
            top->reply = NULL;
        buf_done(&packed);
    }
    set_notice(top, status == GRPC_OK     ? NULL
                    : message && *message ? message
                                          : grpc_status_name((int)status));
    draw(top);
    wake(top);
}

static void ask(struct top *top) {
    struct session *session = top->cli->session;
    struct headers metadata;

    session_metadata(session, top->node, &metadata);
    const struct client_request request = {
        .method = "/roost.v1.Processes/Top",
        .metadata = &metadata,
        .timeout_ms = ASK_MS,
    };
    top->is_due = false;
    timer_start(top->loop, &top->next, top->every_ms);
    top->call =
        client_unary(top->loop, session_target(session), &request, &top->request.base,
                     &roost__v1__top_response__descriptor, on_reply, top);
    top->request.look_ms = (uint32_t)top->every_ms;
    headers_done(&metadata);
}

static void come_back(struct top *top) {
    set_notice(top, "the hub is away: trying again   q quit");
    draw(top);
    top->call = client_cancel(top->call);
    while (!top->quit && !hub_reconnect(top->cli, &top->quit)) {
        top->is_due = false;
        timer_start(top->loop, &top->next, RETRY_MS);
        while (!top->quit && !top->is_due)
            loop_run(top->loop);
    }
    top->is_due = true;
}

static void on_key(void *user, int key) {
    struct top *top = user;

    if (key == 'q' || key == 'Q' || key == 4) /* Ctrl-D */
        top->quit = true;
    else if (key == 'm')
        top->request.sort = ROOST__V1__PROCESS_SORT__PROCESS_SORT_MEMORY;
    else if (key == 'c')
        top->request.sort = ROOST__V1__PROCESS_SORT__PROCESS_SORT_CPU;
    else if (key == 'g')
        top->groups = !top->groups;
    if ((key == 'm' || key == 'c') && !top->call)
        top->is_due = true;
    draw(top);
    wake(top);
}

static void on_resize(void *user) {
    struct top *top = user;

    terminal_measure(&top->cli->terminal, STDOUT_FILENO);
    draw(top);
}

static void on_signal(void *user, int signo) {
    struct top *top = user;

    top->signo = signo;
    top->quit = true;
    wake(top);
}

static int run_live(struct top *top) {
    top->next.fire = on_next;
    top->request.look_ms = FIRST_LOOK_MS;
    top->is_due = true;
    draw(top);
    while (!top->quit) {
        if (session_is_lost(top->cli->session) && !top->call)
            come_back(top);
        else if (top->is_due && !top->call)
            ask(top);
        else
            loop_run(top->loop);
    }
    top->call = client_cancel(top->call);
    timer_stop(&top->next);
    top->screen = screen_free(top->screen);
    return top->signo ? 128 + top->signo : REPORT_OK;
}

/* --- once --- */

static int run_once(struct top *top) {
    const struct act_deed deed = { .node = top->node, .request = &top->request.base };
    const struct act_plan plan = {
        .method = "/roost.v1.Processes/Top",
        .reply_type = &roost__v1__top_response__descriptor,
    };

    int r = act_ask(top->cli, &plan, &deed, &top->reply);
    if (r != 0)
        return r;
    if (top->cli->json)
        return output_message(top->reply, true);
    struct table *table = make_table(top, (const Roost__V1__TopResponse *)top->reply);
    table_print(table, &top->cli->terminal);
    table_free(table);
    return REPORT_OK;
}

static int read_options(struct top *top) {
    const struct cli *cli = top->cli;

    roost__v1__top_request__init(&top->request);
    top->groups = args_has(cli->args, "groups");
    int r = processes_sort(cli, args_value(cli->args, "sort"), &top->request.sort);
    if (r == 0 && top->request.sort > 0 && !is_by_memory(top) &&
        top->request.sort != ROOST__V1__PROCESS_SORT__PROCESS_SORT_CPU)
        r = cli_usage(cli, "--sort: cpu or memory");
    if (r == 0)
        r = cli_number(top->cli, "lines", "-n", 1, COUNT_MAX, &top->request.count);
    if (r == 0)
        r = cli_duration(cli, "every", &top->every_ms);
    if (r == 0 && (top->every_ms < EVERY_MIN_MS || top->every_ms > EVERY_MAX_MS))
        r = cli_usage(cli, "--every: from 250ms to 5s");
    return r;
}

static int run(struct cli *cli) {
    static const struct screen_events events = {
        .on_key = on_key,
        .on_resize = on_resize,
        .on_signal = on_signal,
    };
    struct top top = { .cli = cli, .every_ms = EVERY_MS };

    int r = read_options(&top);
    if (r == 0)
        r = nodes_one(cli, args_at(cli->args, 0), "top", &top.node);
    if (r != 0)
        return r;
    top.loop = cli_loop(cli);
    if (cli->terminal.is_terminal && !cli->json)
        top.screen = screen_new(top.loop, &events, &top);
    r = top.screen ? run_live(&top) : run_once(&top);
    pb_free(top.reply);
    free(top.notice);
    free(top.node);
    return r;
}

static const struct args_option options[] = {
    { "sort", 0, "ORDER", "cpu (the usual) or memory" },
    { "groups", 'g', NULL, "processes of one name together" },
    { "lines", 'n', "N", "so many (20)" },
    { "every", 0, "TIME", "how often, on a terminal (2s)" },
    { 0 },
};

static const char *const examples[] = {
    "roost top pi",
    "live; c and m sort, g takes equal names together, q leaves",
    "roost top pi --groups -n 5 | cat",
    "once, five names",
    "roost top pi --sort memory --json",
    "once, for a script",
    NULL,
};

const struct command cmd_top = {
    .name = "top",
    .usage = "NODE",
    .summary = "show what uses most CPU or memory on a node",
    .details =
        "On a terminal it stays and is drawn anew; else it is printed once. The share\n"
        "of CPU is of one core, and of the whole machine with --groups.",
    .examples = examples,
    .options = options,
    .least = 1,
    .most = 1,
    .operands = "node",
    .run = run,
};
