#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/hub/profile.h"
#include "cli/nodes/values_json.h"
#include "cli/nodes/watch_view.h"
#include "cli/nodes/watching.h"
#include "cli/terminal/screen.h"
#include "loop/loop.h"
#include "loop/timer.h"

enum {
    GATHER_MS = 50,        /* changes that come together are drawn together */
    PRINT_GATHER_MS = 250, /* the same where nobody looks at each frame */
    TICK_MS = 1000,        /* "3 s ago" moves */
    RETRY_FIRST_MS = 1000,
    RETRY_MOST_MS = 10000,
};

struct watch {
    struct cli *cli;           /* borrowed: the caller */
    struct loop *loop;         /* borrowed: cli */
    struct watching *watching; /* owned */
    struct screen *screen;     /* owned; NULL when standard output is none */
    struct watch_view view;
    struct timer draw;
    struct timer tick;
    struct timer retry;
    enum grpc_status status; /* of the stream that ended */
    char *message;           /* owned; why it ended; NULL while both run */
    int signo;
    bool is_selected; /* nodes were named */
    bool quit;
    bool retry_due;
};

static void leave_loop(struct watch *watch) {
    loop_stop(watch->loop);
}

static void quit(struct watch *watch) {
    watch->quit = true;
    leave_loop(watch);
}

static void show_screen(struct watch *watch) {
    struct buf frame = { 0 };
    size_t count = watching_count(watch->watching);

    if (watch->view.chosen >= count)
        watch->view.chosen = count > 0 ? count - 1 : 0;
    watch->view.is_fixed = watch->is_selected && count == 1;
    if (watch->view.is_fixed) {
        watch->view.is_open = true;
        watch->view.chosen = 0;
    }
    watch_view_draw(&watch->view, &watch->cli->terminal, watch->watching, &frame);
    screen_show(watch->screen, buf_slice(&frame));
    buf_done(&frame);
    timer_start(watch->loop, &watch->tick, TICK_MS);
}

static void print_table(struct watch *watch) {
    struct buf out = { 0 };

    if (!watching_is_complete(watch->watching))
        return;
    watch_view_print(&watch->cli->terminal, watch->watching, &out);
    buf_add_byte(&out, '\n');
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
    if (report_is_output_over())
        quit(watch);
}

static void on_draw(struct timer *timer) {
    struct watch *watch = container_of(timer, struct watch, draw);

    if (watch->screen)
        show_screen(watch);
    else if (!watch->cli->json)
        print_table(watch);
}

static void on_tick(struct timer *timer) {
    show_screen(container_of(timer, struct watch, tick));
}

static void on_retry(struct timer *timer) {
    struct watch *watch = container_of(timer, struct watch, retry);

    watch->retry_due = true;
    leave_loop(watch);
}

static void draw_soon(struct watch *watch) {
    if (!timer_is_running(&watch->draw))
        timer_start(watch->loop, &watch->draw,
                    watch->screen ? GATHER_MS : PRINT_GATHER_MS);
}

/* Nobody is there to be watched: the end, before an empty picture. */
static bool is_nobody(const struct watch *watch) {
    return watch->is_selected && watching_is_complete(watch->watching) &&
           watching_count(watch->watching) == 0;
}

static void on_change(void *user) {
    struct watch *watch = user;

    if (!is_nobody(watch)) {
        draw_soon(watch);
    } else if (!watch->message) {
        watch->status = GRPC_NOT_FOUND;
        watch->message = mem_strdup("no such node");
        leave_loop(watch);
    }
}

static void on_values(void *user, const struct watched *node) {
    struct watch *watch = user;
    struct buf out = { 0 };

    if (watch->screen || !watch->cli->json)
        return;
    values_json_add(&out, node->name, &node->values, "");
    buf_add_byte(&out, '\n');
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
    if (report_is_output_over())
        quit(watch);
}

static void on_end(void *user, enum grpc_status status, const char *message) {
    struct watch *watch = user;

    if (watch->message)
        return;
    watch->status = status;
    watch->message = mem_strdup(message ? message : "");
    leave_loop(watch);
}

static void move(struct watch *watch, int step) {
    size_t count = watching_count(watch->watching);
    struct watch_view *view = &watch->view;

    if (step < 0 && view->chosen > 0)
        view->chosen--;
    else if (step > 0 && view->chosen + 1 < count)
        view->chosen++;
}

static bool is_quit(int key) {
    return key == 'q' || key == 'Q' || key == 4; /* Ctrl-D */
}

static void on_key(void *user, int key) {
    struct watch *watch = user;
    struct watch_view *view = &watch->view;

    if (is_quit(key))
        quit(watch);
    else if (key == SCREEN_UP || key == 'k')
        move(watch, -1);
    else if (key == SCREEN_DOWN || key == 'j')
        move(watch, 1);
    else if (key == '\r' || key == '\n' || key == SCREEN_RIGHT)
        view->is_open = watching_count(watch->watching) > 0;
    else if (key == SCREEN_ESCAPE || key == SCREEN_LEFT || key == 127 || key == 8)
        view->is_open = view->is_fixed;
    draw_soon(watch);
}

static void on_resize(void *user) {
    struct watch *watch = user;

    terminal_measure(&watch->cli->terminal, STDOUT_FILENO);
    draw_soon(watch);
}

static void on_signal(void *user, int signo) {
    struct watch *watch = user;

    watch->signo = signo;
    quit(watch);
}

/* Both streams until one ends or the person does. */
static void run_streams(struct watch *watch) {
    free(watch->message);
    watch->message = NULL;
    watching_start(watch->watching);
    while (!watch->quit && !watch->message)
        loop_run(watch->loop);
    watching_stop(watch->watching);
}

static bool is_worth_a_retry(const struct watch *watch) {
    return watch->screen &&
           (session_is_lost(watch->cli->session) || watch->status == GRPC_UNAVAILABLE ||
            watch->status == GRPC_OK || watch->status == GRPC_RESOURCE_EXHAUSTED);
}

/* Tries until the hub is back; false when the person does not want to wait. */
static bool come_back(struct watch *watch) {
    uint64_t delay_ms = RETRY_FIRST_MS;

    watch->view.notice = "the hub is away: trying again   q quit";
    show_screen(watch);
    do {
        watch->retry_due = false;
        timer_start(watch->loop, &watch->retry, delay_ms);
        while (!watch->quit && !watch->retry_due)
            loop_run(watch->loop);
        timer_stop(&watch->retry);
        delay_ms = delay_ms * 2 < RETRY_MOST_MS ? delay_ms * 2 : RETRY_MOST_MS;
    } while (!watch->quit && !hub_reconnect(watch->cli, &watch->quit));
    watch->view.notice = NULL;
    return !watch->quit;
}

static int go(struct watch *watch) {
    static const struct screen_events events = {
        .on_key = on_key,
        .on_resize = on_resize,
        .on_signal = on_signal,
    };

    if (watch->cli->terminal.is_terminal && !watch->cli->json)
        watch->screen = screen_new(watch->loop, &events, watch);
    do
        run_streams(watch);
    while (!watch->quit && is_worth_a_retry(watch) && come_back(watch));

    timer_stop(&watch->draw);
    timer_stop(&watch->tick);
    watch->screen = screen_free(watch->screen);
    if (watch->quit)
        return watch->signo ? 128 + watch->signo : REPORT_OK;
    return hub_report_call(watch->cli, "watch", watch->status, watch->message);
}

static int run(struct cli *cli) {
    static const struct watching_events events = {
        .on_change = on_change,
        .on_values = on_values,
        .on_end = on_end,
    };
    auto_(mem_freep) char *selection = cli_selection(cli, 0);

    int r = hub_connect(cli);
    if (r != 0)
        return r;
    struct watch watch = {
        .cli = cli,
        .loop = cli_loop(cli),
        .view = { .hub = cli->profile->hub },
        .is_selected = *selection != '\0',
        .draw = { .fire = on_draw },
        .tick = { .fire = on_tick },
        .retry = { .fire = on_retry },
    };
    watch.watching = watching_new(cli, selection, &events, &watch);
    r = go(&watch);
    watching_free(watch.watching);
    free(watch.message);
    return r;
}

static const char *const examples[] = {
    "roost watch",
    "all nodes, live; enter opens one, q leaves",
    "roost watch pi",
    "one node with the history of this session",
    "roost watch --json",
    "one object a line for each new sample",
    NULL,
};

const struct command cmd_watch = {
    .name = "watch",
    .usage = "[NODE...]",
    .summary = "show figures live, on the full screen",
    .details = "When standard output is no terminal, a plain table follows each update.",
    .examples = examples,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run,
};
