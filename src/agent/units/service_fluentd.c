#include "agent/units/service_fluentd.h"

#include <stdlib.h>
#include <string.h>

#include "agent/acts/act.h"
#include "agent/systemd/systemd_fault.h"
#include "agent/systemd/systemd_name.h"
#include "agent/units/unit_host.h"
#include "agent/units/unit_order.h"
#include "base/mem.h"
#include "compat/fluentd.pb-c.h"
#include "roost/v1/units.pb-c.h"
#include "rpc/invocation.h"
#include "rpc/services.h"

struct service_fluentd {
    struct unit_host *host;  /* borrowed: outlives us */
    const char *const *unit; /* borrowed likewise */
};

static bool is(const char *text, const char *wanted) {
    return strcmp(text, wanted) == 0;
}

static bool is_up(const Roost__V1__UnitResult *result) {
    return result->unit && is(result->unit->active_state, "active");
}

/* It did what was asked, and stays so. */
static bool is_well(const Roost__V1__UnitResult *result) {
    return is(result->job_result, "done") && result->reason[0] == '\0';
}

static void on_started(void *arg,
                       const Roost__V1__UnitResult *result,
                       const struct systemd_fault *fault) {
    External__FluentdStartResponse response = EXTERNAL__FLUENTD_START_RESPONSE__INIT;

    if (fault) {
        act_fail(arg, fault->status, "%s", fault->text);
        return;
    }
    response.status = EXTERNAL__FLUENTD_START_RESPONSE__STATUS__START_FAILED;
    if (is(result->job_result, "unchanged"))
        response.status = EXTERNAL__FLUENTD_START_RESPONSE__STATUS__START_NOCHANGE;
    else if (is_well(result))
        response.status = EXTERNAL__FLUENTD_START_RESPONSE__STATUS__START_SUCCESS;
    else if (is(result->job_result, "running"))
        response.status = EXTERNAL__FLUENTD_START_RESPONSE__STATUS__START_UNKNOWN;
    act_reply(arg, &response.base);
}

static void on_stopped(void *arg,
                       const Roost__V1__UnitResult *result,
                       const struct systemd_fault *fault) {
    External__FluentdStopResponse response = EXTERNAL__FLUENTD_STOP_RESPONSE__INIT;

    if (fault) {
        act_fail(arg, fault->status, "%s", fault->text);
        return;
    }
    response.status = EXTERNAL__FLUENTD_STOP_RESPONSE__STATUS__STOP_FAILED;
    if (is(result->job_result, "unchanged"))
        response.status = EXTERNAL__FLUENTD_STOP_RESPONSE__STATUS__STOP_NOCHANGE;
    else if (is_well(result))
        response.status = EXTERNAL__FLUENTD_STOP_RESPONSE__STATUS__STOP_SUCCESS;
    else if (is(result->job_result, "running"))
        response.status = EXTERNAL__FLUENTD_STOP_RESPONSE__STATUS__STOP_UNKNOWN;
    act_reply(arg, &response.base);
}

static void on_restarted(void *arg,
                         const Roost__V1__UnitResult *result,
                         const struct systemd_fault *fault) {
    External__FluentdRestartResponse response = EXTERNAL__FLUENTD_RESTART_RESPONSE__INIT;

    if (fault) {
        act_fail(arg, fault->status, "%s", fault->text);
        return;
    }
    response.status =
        is_up(result)
            ? EXTERNAL__FLUENTD_RESTART_RESPONSE__STATUS__RESTART_FAILED_STARTED
            : EXTERNAL__FLUENTD_RESTART_RESPONSE__STATUS__RESTART_FAILED_STOPPED;
    if (is_well(result))
        response.status = EXTERNAL__FLUENTD_RESTART_RESPONSE__STATUS__RESTART_SUCCESS;
    else if (is(result->job_result, "running"))
        response.status = EXTERNAL__FLUENTD_RESTART_RESPONSE__STATUS__RESTART_UNKNOWN;
    act_reply(arg, &response.base);
}

typedef void done_fn(void *arg,
                     const Roost__V1__UnitResult *result,
                     const struct systemd_fault *fault);

static void order(struct service_fluentd *service,
                  struct invocation *invocation,
                  enum unit_order_verb verb,
                  done_fn *on_done) {
    struct unit_order_config config = {
        .verb = verb,
        .limit_ms = unit_order_limit_ms(invocation),
        .on_done = on_done,
    };
    char name[SYSTEMD_NAME_CAP];
    struct act *act;

    if (systemd_name_whole(*service->unit, name) != 0 || unit_order_check(verb, name)) {
        invocation_finish(invocation, GRPC_FAILED_PRECONDITION,
                          "[units] fluentd of this agent names no service: %s",
                          *service->unit);
        return;
    }
    auto_(mem_freep) char *what =
        mem_printf("%s of %s (external.Fluentd)", unit_order_word(verb), name);
    struct act_question question = {
        .verb = POLICY_UNITS,
        .object = name,
        .operation_id = "",
        .what = what,
    };
    if (!act_begin(service->host->config.acts, invocation, &question, &act))
        return;
    config.name = name;
    config.arg = act;
    unit_order_start(service->host, &config);
}

static void on_start(void *arg, struct invocation *it, const ProtobufCMessage *message) {
    order(arg, it, UNIT_ORDER_START, on_started);
}

static void on_stop(void *arg, struct invocation *it, const ProtobufCMessage *message) {
    order(arg, it, UNIT_ORDER_STOP, on_stopped);
}

static void on_restart(void *arg,
                       struct invocation *it,
                       const ProtobufCMessage *message) {
    order(arg, it, UNIT_ORDER_RESTART, on_restarted);
}

static const struct service_method methods[] = {
    { "Start", SERVICE_UNARY, on_start },
    { "Stop", SERVICE_UNARY, on_stop },
    { "Restart", SERVICE_UNARY, on_restart },
    { 0 },
};

struct service_fluentd *service_fluentd_new(struct services *services,
                                            struct unit_host *host,
                                            const char *const *unit) {
    struct service_fluentd *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &external__fluentd__descriptor,
        .methods = methods,
        .arg = service,
        .yields = true,
    };

    service->host = host;
    service->unit = unit;
    services_add(services, &table);
    return service;
}

struct service_fluentd *service_fluentd_free(struct service_fluentd *service) {
    free(service);
    return NULL;
}
