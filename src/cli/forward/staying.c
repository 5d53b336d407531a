#include "cli/forward/staying.h"

#include <signal.h>
#include <stdint.h>

#include "cli/cli.h"
#include "cli/hub/hub.h"
#include "loop/loop.h"
#include "loop/timer.h"

enum {
    RETRY_FIRST_MS = 250,
    RETRY_MOST_MS = 5000, /* somebody may be waiting at the other end */
};

struct pause {
    struct timer timer;
    struct loop *loop; /* borrowed: the command's */
    bool over;
};

static void on_signal(void *arg, int signo) {
    struct staying *staying = arg;

    staying->signo = signo;
    staying->quit = true;
    loop_stop(cli_loop(staying->cli));
}

static void on_pause(struct timer *timer) {
    struct pause *pause = container_of(timer, struct pause, timer);

    pause->over = true;
    loop_stop(pause->loop);
}

static void wait_for(struct staying *staying, uint64_t delay_ms) {
    struct pause pause = { .timer.fire = on_pause, .loop = cli_loop(staying->cli) };

    timer_start(pause.loop, &pause.timer, delay_ms);
    while (!staying->quit && !pause.over)
        loop_run(pause.loop);
    timer_stop(&pause.timer);
}

static void come_back(struct staying *staying) {
    uint64_t delay_ms = RETRY_FIRST_MS;

    do {
        wait_for(staying, delay_ms);
        delay_ms = delay_ms * 2 < RETRY_MOST_MS ? delay_ms * 2 : RETRY_MOST_MS;
    } while (!staying->quit && !hub_reconnect(staying->cli, &staying->quit));
}

static bool is_here(const struct staying *staying) {
    return staying->cli->session && !session_is_lost(staying->cli->session);
}

void staying_run(struct staying *staying) {
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    struct loop *loop = cli_loop(staying->cli);
    struct loop_signal *watches[3];

    for (size_t i = 0; i < 3; i++)
        watches[i] = loop_signal_new(loop, signals[i], on_signal, staying);
    while (!staying->quit) {
        if (is_here(staying)) {
            loop_run(loop);
            continue;
        }
        if (staying->on_lost)
            staying->on_lost(staying->user);
        come_back(staying);
        if (!staying->quit && staying->on_back)
            staying->on_back(staying->user);
    }
    for (size_t i = 0; i < 3; i++)
        loop_signal_free(watches[i]);
}
