#include "agent/power/power_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/chores.h"
#include "agent/power/power_command.h"
#include "agent/power/power_logind.h"
#include "agent/systemd/systemd_fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/timer.h"

struct power_plan {
    struct power_plan_config config;
    struct power_plan_deed deed;
    struct timer timer; /* runs while something is planned */
};

/* One command, on the chores' thread. */
struct errand {
    struct job job;
    enum power_kind kind;
    char *message; /* owned; to be told; NULL: the end of the host */
    int result;
};

static const char *name_of(enum power_kind kind) {
    return kind == POWER_REBOOT ? "reboot" : "shutdown";
}

static void run(struct job *job) {
    struct errand *errand = container_of(job, struct errand, job);

    if (errand->message)
        power_command_tell(POWER_COMMAND_PLACES, errand->message);
    else
        errand->result = power_command_run(POWER_COMMAND_PLACES, errand->kind);
}

static void on_run(struct job *job) {
    struct errand *errand = container_of(job, struct errand, job);

    if (errand->result < 0)
        log_error("the %s failed: %s", name_of(errand->kind),
                  errand->result == -EPERM ? "the command refused"
                                           : strerror(-errand->result));
    free(errand->message);
    free(errand);
}

static void send_errand(struct power_plan *plan,
                        enum power_kind kind,
                        const char *message) {
    struct errand *errand = mem_new(sizeof(*errand));

    *errand = (struct errand) {
        .job = { .run = run, .done = on_run },
        .kind = kind,
        .message = mem_strdup(message),
    };
    if (chores_add(plan->config.chores, &errand->job) == 0)
        return;
    log_error("the %s failed: too much else is under way", name_of(kind));
    free(errand->message);
    free(errand);
}

static void on_done(void *arg, const struct systemd_fault *fault) {
    if (fault)
        log_error("logind did not do what was asked: %s", fault->text);
}

static void on_time(struct timer *timer) {
    struct power_plan *plan = container_of(timer, struct power_plan, timer);
    const struct power_plan_deed *deed = &plan->deed;

    log_info("%s, now", name_of(deed->kind));
    if (deed->by_logind)
        power_logind_do(plan->config.logind, deed->kind, deed->force, on_done, NULL);
    else
        send_errand(plan, deed->kind, NULL);
}

struct power_plan *power_plan_new(const struct power_plan_config *config) {
    struct power_plan *plan = mem_new(sizeof(*plan));

    plan->config = *config;
    plan->timer.fire = on_time;
    return plan;
}

struct power_plan *power_plan_free(struct power_plan *plan) {
    if (!plan)
        return NULL;
    timer_stop(&plan->timer);
    free(plan);
    return NULL;
}

void power_plan_set(struct power_plan *plan,
                    const struct power_plan_deed *deed,
                    uint64_t delay_ms) {
    plan->deed = *deed;
    timer_start(plan->config.loop, &plan->timer, delay_ms);
}

void power_plan_drop(struct power_plan *plan) {
    timer_stop(&plan->timer);
}

const struct power_plan_deed *power_plan_get(const struct power_plan *plan) {
    return timer_is_running(&plan->timer) ? &plan->deed : NULL;
}

void power_plan_tell(struct power_plan *plan, const char *message) {
    send_errand(plan, POWER_REBOOT, message);
}
