#include "hub/running.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "base/settings.h"
#include "hub/config.h"
#include "hub/handover.h"
#include "hub/hub.h"
#include "loop/loop.h"
#include "loop/timer.h"

enum {
    HANDED_OVER_MS = 30000, /* what calls under way get after a new process took over */
    ARGS_MAX = 256,
};

struct running {
    struct hub_config *config; /* borrowed: main */
    struct loop *loop;         /* owned */
    struct hub *hub;           /* owned */
    struct handover *handover; /* owned; NULL: no restart is under way */
    char *path;                /* owned: of this program, also when it is replaced */
    struct timer watchdog;
    uint64_t watchdog_ms;
    bool on_terminal; /* was started on one */
    int status;
};

static void on_watchdog(struct timer *timer) {
    struct running *running = container_of(timer, struct running, watchdog);

    notify_send("WATCHDOG=1");
    timer_start(running->loop, timer, running->watchdog_ms);
}

static void on_ended(void *arg) {
    struct running *running = arg;
    loop_stop(running->loop);
}

static void on_stop(void *arg, int signo) {
    struct running *running = arg;

    log_info("stopping by signal %d", signo);
    notify_send("STOPPING=1");
    hub_finish(running->hub, (unsigned)running->config->drain_ms, on_ended, running);
}

/* arg: the names of what takes a restart. */
static void on_change(void *arg, const struct settings_row *row) {
    struct buf *later = arg;

    if (!row->live)
        buf_printf(later, "%s[%s] %s", later->len > 0 ? ", " : "",
                   row->section ? row->section : "", row->name);
    log_info("[%s] %s has changed%s", row->section ? row->section : "", row->name,
             row->live ? "" : "; it takes a restart");
}

static void reload(struct running *running) {
    struct settings *settings = settings_new(config_table());
    struct hub_config *old = NULL;
    struct buf later = { 0 };

    notify_send("RELOADING=1");
    if (config_reload(running->config, settings, on_change, &later, &old) == 0) {
        settings_common_apply_log(&running->config->common);
        log_info("the settings were read anew%s%s",
                 later.len > 0 ? "; these take a restart (roostd restart): " : "",
                 later.len > 0 ? buf_text(&later) : "");
    } else {
        log_error("%s; the settings in use stay", settings_error(settings));
    }
    hub_reload(running->hub);
    config_free(old);
    settings_free(settings);
    buf_done(&later);
    notify_send("READY=1");
}

/* SIGHUP asks for a reload, unless it says that our terminal is gone. */
static void on_hangup(void *arg, int signo) {
    struct running *running = arg;

    if (running->on_terminal && !isatty(STDIN_FILENO))
        on_stop(running, signo);
    else
        reload(running);
}

/* The new process holds nothing yet: all goes on as before. */
static void give_up(struct running *running, const char *why) {
    log_error("the restart failed: %s; this process goes on", why);
    hub_tell_failed(running->hub, why);
    running->handover = handover_free(running->handover);
}

static void on_asked(void *arg) {
    struct running *running = arg;

    log_info("process %d takes over", handover_pid(running->handover));
    hub_release(running->hub);
    handover_yield(running->handover);
    hub_finish(running->hub, HANDED_OVER_MS, on_ended, running);
}

static void on_serving(void *arg) {
    struct running *running = arg;
    char *state = mem_printf("MAINPID=%d\nREADY=1", handover_pid(running->handover));

    notify_send(state);
    free(state);
    log_info("process %d serves; calls under way get %d s here",
             handover_pid(running->handover), HANDED_OVER_MS / 1000);
}

/* Whoever looks after this process starts it again: the data folder is free. */
static void on_failed(void *arg, bool yielded, const char *why) {
    struct running *running = arg;

    if (!yielded) {
        give_up(running, why);
        return;
    }
    log_error("the restart failed: %s; nobody serves until roostd is started again", why);
    running->status = EXIT_FAILURE;
}

/* The arguments of this process: texts in *ret_text, to be freed. */
static bool read_args(char *ret_argv[static ARGS_MAX], char **ret_text) {
    struct buf text = { 0 };
    size_t count = 0;

    if (file_read("/proc/self/cmdline", 65536, &text) < 0)
        return false;
    buf_add(&text, "", 1);
    for (size_t at = 0; at + 1 < text.len && count + 1 < ARGS_MAX;
         at += strlen((char *)text.data + at) + 1)
        ret_argv[count++] = (char *)text.data + at;
    ret_argv[count] = NULL;
    *ret_text = (char *)text.data;
    return true;
}

static void on_restart(void *arg, int signo) {
    struct running *running = arg;
    struct handover_socket sockets[DOORS_MAX];
    struct handover_events events = { on_asked, on_serving, on_failed, running };
    char *argv[ARGS_MAX];
    char *text = NULL;
    (void)signo;

    if (running->handover) {
        log_info("a restart is under way already");
        return;
    }
    log_info("a new process is started: %s", running->path);
    size_t count = hub_sockets(running->hub, sockets);
    int r = read_args(argv, &text)
                ? handover_start(running->loop, running->path, argv, sockets, count,
                                 &events, &running->handover)
                : -EIO;
    free(text);
    if (r < 0)
        give_up(running, strerror(-r));
}

/* Where this program is; read early, since the file may be replaced later. */
static char *own_path(void) {
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

    path[len > 0 ? len : 0] = '\0';
    return mem_strdup(path);
}

static void serve(struct running *running) {
    struct loop_signal *signals[] = {
        loop_signal_new(running->loop, SIGTERM, on_stop, running),
        loop_signal_new(running->loop, SIGINT, on_stop, running),
        loop_signal_new(running->loop, SIGHUP, on_hangup, running),
        loop_signal_new(running->loop, SIGUSR2, on_restart, running),
    };

    hub_announce(running->hub);
    notify_send("READY=1");
    running->watchdog_ms = notify_watchdog_ms();
    if (running->watchdog_ms > 0)
        timer_start(running->loop, &running->watchdog, running->watchdog_ms);
    loop_run(running->loop);
    timer_stop(&running->watchdog);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        loop_signal_free(signals[i]);
}

int running_run(struct hub_config *config, char **ret_why) {
    struct running running = {
        .config = config,
        .loop = loop_new(),
        .path = own_path(),
        .watchdog.fire = on_watchdog,
        .on_terminal = isatty(STDIN_FILENO),
    };
    struct inheritance *inheritance = handover_inherit();

    int r = hub_new(running.loop, config, inheritance, &running.hub, ret_why);
    if (r == 0) {
        handover_serve(inheritance);
        serve(&running);
    } else {
        running.status = EXIT_FAILURE;
        handover_drop(inheritance);
        loop_run(running.loop);
    }
    handover_free(running.handover);
    hub_free(running.hub);
    loop_free(running.loop);
    free(running.path);
    return running.status;
}
