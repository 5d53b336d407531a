#include "agent/pulse.h"

#include <signal.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/notify.h"
#include "loop/loop.h"

static void on_watchdog(struct timer *timer) {
    struct pulse *pulse = container_of(timer, struct pulse, watchdog);

    notify_send("WATCHDOG=1");
    timer_start(pulse->loop, timer, pulse->watchdog_ms);
}

static void on_stop(void *arg, int signo) {
    struct pulse *pulse = arg;
    pulse->on_stop(pulse->arg, signo); /* may be gone here */
}

static void on_hangup(void *arg, int signo) {
    struct pulse *pulse = arg;

    if (pulse->on_terminal && !isatty(STDIN_FILENO)) {
        pulse->on_stop(pulse->arg, signo); /* may be gone here */
        return;
    }
    if (!pulse->on_hangup)
        return;
    notify_send("RELOADING=1");
    pulse->on_hangup(pulse->arg);
    notify_send("READY=1");
}

void pulse_start(struct pulse *pulse) {
    pulse->term = loop_signal_new(pulse->loop, SIGTERM, on_stop, pulse);
    pulse->interrupt = loop_signal_new(pulse->loop, SIGINT, on_stop, pulse);
    pulse->hangup = loop_signal_new(pulse->loop, SIGHUP, on_hangup, pulse);
    notify_send("READY=1");
    pulse->on_terminal = isatty(STDIN_FILENO);
    pulse->watchdog.fire = on_watchdog;
    pulse->watchdog_ms = notify_watchdog_ms();
    if (pulse->watchdog_ms > 0)
        timer_start(pulse->loop, &pulse->watchdog, pulse->watchdog_ms);
}

void pulse_stop(struct pulse *pulse) {
    timer_stop(&pulse->watchdog);
    pulse->term = loop_signal_free(pulse->term);
    pulse->interrupt = loop_signal_free(pulse->interrupt);
    pulse->hangup = loop_signal_free(pulse->hangup);
}
