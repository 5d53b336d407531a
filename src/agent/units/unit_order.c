#include "agent/units/unit_order.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/acts/act.h"
#include "agent/systemd/systemd_bus.h"
#include "agent/systemd/systemd_jobs.h"
#include "agent/systemd/systemd_library.h"
#include "agent/systemd/systemd_logs.h"
#include "agent/systemd/systemd_look.h"
#include "agent/systemd/systemd_unit.h"
#include "agent/units/unit_host.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "wire/pb.h"

enum {
    SETTLE_MS = 200,   /* a service that cannot run mostly falls over within, and one that
                          failed may be started again */
    SETTLES_MOST = 10, /* looks at one that systemd starts again after it failed */
    OWN_LIMIT_MS = 200,  /* nobody waits for the end of who answers */
    LOG_LINES = 10,      /* of a unit that failed */
    LOG_EARLIER_MS = 50, /* the journal's clock and ours are read at different times */
    CHANGES_MAX = 64,
    LIMIT_MS = 600000, /* of a caller without a deadline; units have limits too */
    MARGIN_MS = 50,    /* for the answer's way, and a tenth of the time above */
    MARGIN_MAX_MS = 2000,
};

struct unit_order {
    struct list node;
    struct unit_host *host; /* borrowed: its list has us */
    struct unit_order_config config;
    char *name;                /* owned: the real one, once it is known */
    struct systemd_look *look; /* owned; at most one of these three */
    struct systemd_call *call; /* lent by the bus until it is answered */
    struct systemd_job *job;   /* owned */
    struct systemd_log *log;   /* owned */
    struct timer limit;
    struct timer settle;
    Roost__V1__UnitResult *result; /* owned: what is put together */
    int64_t begun_ms;              /* wall clock */
    unsigned settles;
    bool is_own;
};

static const struct {
    const char *word;
    const char *member; /* of the job; NULL: unit files */
} verbs[] = {
    [UNIT_ORDER_START] = { "start", "StartUnit" },
    [UNIT_ORDER_STOP] = { "stop", "StopUnit" },
    [UNIT_ORDER_RESTART] = { "restart", "RestartUnit" },
    [UNIT_ORDER_RELOAD] = { "reload", "ReloadUnit" },
    [UNIT_ORDER_ENABLE] = { "enable", NULL },
    [UNIT_ORDER_DISABLE] = { "disable", NULL },
};

const char *unit_order_word(enum unit_order_verb verb) {
    return verbs[verb].word;
}

const char *unit_order_check(enum unit_order_verb verb, const char *name) {
    if (!systemd_name_is_for_acts(name))
        return "only services, timers and sockets can be acted on";
    if (systemd_name_is_power(name))
        return "this ends or suspends the host: that is of the verb power (roost reboot, "
               "roost shutdown)";
    if (systemd_name_is_template(name))
        return "it is a template: name one of its instances, \"name@instance.service\"";
    return NULL;
}

uint64_t unit_order_limit_ms(const struct invocation *invocation) {
    uint64_t left_ms = call_time_left_ms(invocation_call(invocation));
    uint64_t margin_ms = MARGIN_MS + left_ms / 10;

    if (left_ms > LIMIT_MS)
        return LIMIT_MS;
    if (margin_ms > MARGIN_MAX_MS)
        margin_ms = MARGIN_MAX_MS;
    return left_ms > margin_ms ? left_ms - margin_ms : 0;
}

/* --- the end --- */

static void free_order(struct unit_order *order) {
    list_remove(&order->node);
    systemd_look_cancel(order->look);
    systemd_bus_cancel(order->call);
    systemd_jobs_leave(order->job);
    systemd_logs_stop(order->log);
    timer_stop(&order->limit);
    timer_stop(&order->settle);
    pb_free(&order->result->base);
    free(order->name);
    free(order);
}

void unit_order_free_all(struct unit_host *host) {
    list_for_each_safe(node, after, &host->orders)
        free_order(container_of(node, struct unit_order, node));
}

static void finish(struct unit_order *order) {
    order->config.on_done(order->config.arg, order->result, NULL);
    free_order(order);
}

static void fail(struct unit_order *order, const struct systemd_fault *fault) {
    order->config.on_done(order->config.arg, NULL, fault);
    free_order(order);
}

static void refuse(struct unit_order *order,
                   enum grpc_status status,
                   const char *format,
                   ...) __attribute__((format(printf, 3, 4)));

static void refuse(struct unit_order *order,
                   enum grpc_status status,
                   const char *format,
                   ...) {
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    struct systemd_fault fault = { status, buf_text(&text) };
    fail(order, &fault);
    buf_done(&text);
}

/* A field of a message: its default is static. */
static void set_text(char **field, char *text) {
    if (*field && (*field)[0] != '\0')
        free(*field);
    *field = text;
}

static void set_result(struct unit_order *order, const char *job_result) {
    set_text(&order->result->job_result, mem_strdup(job_result));
}

/* --- the last lines of one that failed --- */

static Roost__V1__LogLine *copy_line(const Roost__V1__LogLine *line) {
    struct buf bytes = { 0 };
    ProtobufCMessage *copy = NULL;

    pb_pack(&bytes, &line->base);
    if (pb_unpack(line->base.descriptor, buf_slice(&bytes), &copy) != 0)
        copy = pb_new(line->base.descriptor);
    buf_done(&bytes);
    return (Roost__V1__LogLine *)copy;
}

static bool on_lines(void *arg, Roost__V1__LogLine *const *lines, size_t count) {
    struct unit_order *order = arg;
    Roost__V1__UnitResult *result = order->result;

    for (size_t i = 0; i < count && result->n_log < LOG_LINES; i++) {
        result->log = mem_grow(result->log, (result->n_log + 1) * sizeof(*result->log));
        result->log[result->n_log++] = copy_line(lines[i]);
    }
    return true;
}

static void on_log_end(void *arg, const struct systemd_fault *fault) {
    struct unit_order *order = arg;

    order->log = NULL;
    finish(order);
}

static void add_log(struct unit_order *order) {
    struct systemd_journal_query query = {
        .root = order->host->config.root,
        .unit = order->name,
        .grep = "",
        .after_cursor = "",
        .since_us = (uint64_t)(order->begun_ms - LOG_EARLIER_MS) * 1000,
        .lines = LOG_LINES,
        .priority = -1,
        .is_user = order->host->config.is_user,
    };
    struct systemd_log_events events = { on_lines, on_log_end, order };

    if (act_would(order->host->config.acts, POLICY_LOGS, order->name) &&
        !systemd_bus_load(order->host->bus))
        order->log = systemd_logs_read(
            order->host->logs, systemd_bus_library(order->host->bus), &query, &events);
    if (!order->log)
        finish(order);
}

/* --- how it stands afterwards --- */

static void set_unit(struct unit_order *order, const struct systemd_unit *unit) {
    struct systemd_unit_clocks clocks = { clock_wall_ns() / 1000, loop_clock_us() };

    if (order->result->unit)
        pb_free(&order->result->unit->base);
    order->result->unit = systemd_unit_message(unit, &clocks);
    order->result->unit->is_own = order->is_own;
}

/* Is it on its way up or down again, so that a moment later more is known? */
static bool is_in_between(struct unit_order *order, const struct systemd_unit *unit) {
    return strcmp(order->result->job_result, "running") != 0 && unit->active_state &&
           strcmp(unit->active_state, "activating") == 0 &&
           order->settles++ < SETTLES_MOST;
}

static void on_seen(void *arg,
                    const struct systemd_unit *unit,
                    const struct systemd_fault *fault) {
    struct unit_order *order = arg;
    const char *job_result = order->result->job_result;

    order->look = NULL;
    /* What was done stands, though how it went cannot be told in full. */
    if (fault) {
        finish(order);
        return;
    }
    if (is_in_between(order, unit)) {
        timer_start(order->host->config.loop, &order->settle, SETTLE_MS);
        return;
    }
    set_unit(order, unit);
    bool starts = order->config.verb == UNIT_ORDER_START ||
                  order->config.verb == UNIT_ORDER_RESTART ||
                  (order->config.verb == UNIT_ORDER_ENABLE && order->config.now);
    bool went_well =
        strcmp(job_result, "unchanged") == 0 || strcmp(job_result, "running") == 0 ||
        (strcmp(job_result, "done") == 0 && !(starts && systemd_unit_is_failing(unit)));
    if (went_well) {
        finish(order);
        return;
    }
    set_text(&order->result->reason,
             systemd_unit_reason(unit, verbs[order->config.verb].word, job_result));
    add_log(order);
}

static void look_again(struct unit_order *order) {
    timer_stop(&order->limit);
    order->look = systemd_look_new(order->host->bus, order->name, on_seen, order);
}

static void on_settled(struct timer *timer) {
    look_again(container_of(timer, struct unit_order, settle));
}

static void on_limit(struct timer *timer) {
    struct unit_order *order = container_of(timer, struct unit_order, limit);

    order->job = systemd_jobs_leave(order->job);
    set_result(order, "running");
    look_again(order);
}

/* --- the job --- */

static void on_job(void *arg, const char *result, const struct systemd_fault *fault) {
    struct unit_order *order = arg;
    bool is_stop =
        order->config.verb == UNIT_ORDER_STOP || order->config.verb == UNIT_ORDER_DISABLE;

    order->job = NULL;
    if (fault) {
        fail(order, fault);
        return;
    }
    set_result(order, result);
    if (is_stop || order->config.verb == UNIT_ORDER_RELOAD ||
        strcmp(systemd_name_type(order->name), "service") != 0) {
        look_again(order);
        return;
    }
    timer_stop(&order->limit);
    timer_start(order->host->config.loop, &order->settle, SETTLE_MS);
}

static void begin_job(struct unit_order *order, const char *member) {
    uint64_t limit_ms = order->config.limit_ms;

    if (order->is_own && limit_ms > OWN_LIMIT_MS)
        limit_ms = OWN_LIMIT_MS;
    timer_start(order->host->config.loop, &order->limit, limit_ms);
    order->job = systemd_jobs_start(order->host->jobs, order->host->bus, member,
                                    order->name, on_job, order);
}

/* --- unit files --- */

static void on_reread(void *arg,
                      struct sd_bus_message *reply,
                      const struct systemd_fault *fault) {
    struct unit_order *order = arg;

    order->call = NULL;
    if (fault)
        set_text(&order->result->reason,
                 mem_printf("systemd could not be told to read its units anew: %s",
                            fault->text));
    if (order->config.now)
        begin_job(order,
                  order->config.verb == UNIT_ORDER_ENABLE ? "StartUnit" : "StopUnit");
    else
        look_again(order);
}

static void read_changes(struct unit_order *order, struct sd_bus_message *reply) {
    const struct systemd_library *library = systemd_bus_library(order->host->bus);
    Roost__V1__UnitResult *result = order->result;
    const char *kind, *link, *target;

    if (library->message_enter(reply, 'a', "(sss)") < 0)
        return;
    while (result->n_changes < CHANGES_MAX &&
           library->message_read(reply, "(sss)", &kind, &link, &target) > 0) {
        bool is_link = strcmp(kind, "symlink") == 0;
        result->changes =
            mem_grow(result->changes, (result->n_changes + 1) * sizeof(char *));
        result->changes[result->n_changes++] = is_link
                                                   ? mem_printf("%s -> %s", link, target)
                                                   : mem_printf("%s %s", kind, link);
    }
}

static void on_files(void *arg,
                     struct sd_bus_message *reply,
                     const struct systemd_fault *fault) {
    static const struct systemd_bus_method reread = { .member = "Reload" };
    struct unit_order *order = arg;
    int carries = 1;

    order->call = NULL;
    if (fault) {
        fail(order, fault);
        return;
    }
    if (order->config.verb == UNIT_ORDER_ENABLE)
        systemd_bus_library(order->host->bus)->message_read(reply, "b", &carries);
    read_changes(order, reply);
    if (!carries && order->result->n_changes == 0) {
        refuse(order, GRPC_FAILED_PRECONDITION,
               "%s cannot be enabled: its file has no [Install] section, so others start "
               "it when they need it",
               order->name);
        return;
    }
    set_result(order, order->result->n_changes > 0 ? "done" : "unchanged");
    if (order->result->n_changes > 0)
        order->call = systemd_bus_call(order->host->bus, &reread, on_reread, order, "");
    else if (order->config.now)
        on_reread(order, NULL, NULL);
    else
        look_again(order);
}

static void change_files(struct unit_order *order) {
    static const struct systemd_bus_method enable = { .member = "EnableUnitFiles" };
    static const struct systemd_bus_method disable = { .member = "DisableUnitFiles" };

    if (order->config.verb == UNIT_ORDER_ENABLE)
        order->call = systemd_bus_call(order->host->bus, &enable, on_files, order, "asbb",
                                       1, order->name, 0, 0);
    else
        order->call = systemd_bus_call(order->host->bus, &disable, on_files, order, "asb",
                                       1, order->name, 0);
}

/* --- what it is, before anything is done --- */

static bool is_loaded_as(const struct systemd_unit *unit, const char *state) {
    return unit->load_state && strcmp(unit->load_state, state) == 0;
}

/* Is there nothing to do? */
static bool is_so_already(enum unit_order_verb verb, const struct systemd_unit *unit) {
    if (unit->job != 0)
        return false;
    if (verb == UNIT_ORDER_START)
        return systemd_unit_is_active(unit);
    return verb == UNIT_ORDER_STOP && systemd_unit_is_down(unit);
}

/* True: it was refused. */
static bool refuse_unit(struct unit_order *order, const struct systemd_unit *unit) {
    enum unit_order_verb verb = order->config.verb;
    const char *denied = unit_host_denied(order->host, unit);
    const char *why = unit_order_check(verb, unit->id);

    if (denied)
        refuse(
            order, GRPC_PERMISSION_DENIED,
            "the policy of this host does not allow units %s, which is another name of "
            "%s",
            denied, order->name);
    else if (why)
        refuse(order, GRPC_INVALID_ARGUMENT, "%s: %s", unit->id, why);
    else if (order->is_own && !order->config.force)
        refuse(order, GRPC_FAILED_PRECONDITION,
               "%s runs this agent: without it the host cannot be reached; force does it "
               "all the same",
               unit->id);
    else if (is_loaded_as(unit, "not-found") && systemd_unit_is_down(unit))
        refuse(order, GRPC_NOT_FOUND, "there is no unit %s", unit->id);
    else if (is_loaded_as(unit, "masked") && verb != UNIT_ORDER_STOP &&
             verb != UNIT_ORDER_DISABLE)
        refuse(order, GRPC_FAILED_PRECONDITION,
               "%s is masked: on the host, systemctl unmask %s", unit->id, unit->id);
    else if (verb == UNIT_ORDER_RELOAD && !unit->can_reload)
        refuse(order, GRPC_FAILED_PRECONDITION,
               "%s cannot be reloaded: its file says no way to (ExecReload=); restart it",
               unit->id);
    else if (verb == UNIT_ORDER_RELOAD && !systemd_unit_is_active(unit))
        refuse(order, GRPC_FAILED_PRECONDITION,
               "%s is not active: there is nothing to reload", unit->id);
    else
        return false;
    return true;
}

static void on_looked(void *arg,
                      const struct systemd_unit *unit,
                      const struct systemd_fault *fault) {
    struct unit_order *order = arg;
    const char *member = verbs[order->config.verb].member;

    order->look = NULL;
    if (fault) {
        fail(order, fault);
        return;
    }
    order->is_own = unit_host_is_own(order->host, unit->id);
    if (refuse_unit(order, unit))
        return;
    free(order->name);
    order->name = mem_strdup(unit->id);
    if (is_so_already(order->config.verb, unit)) {
        set_result(order, "unchanged");
        set_unit(order, unit);
        finish(order);
    } else if (member) {
        begin_job(order, member);
    } else {
        change_files(order);
    }
}

void unit_order_start(struct unit_host *host, const struct unit_order_config *config) {
    struct unit_order *order = mem_new(sizeof(*order));

    *order = (struct unit_order) {
        .host = host,
        .config = *config,
        .name = mem_strdup(config->name),
        .limit.fire = on_limit,
        .settle.fire = on_settled,
        .result = (Roost__V1__UnitResult *)pb_new(&roost__v1__unit_result__descriptor),
        .begun_ms = clock_wall_ms(),
    };
    order->config.name = NULL;
    list_add_tail(&host->orders, &order->node);
    order->look = systemd_look_new(host->bus, order->name, on_looked, order);
}
