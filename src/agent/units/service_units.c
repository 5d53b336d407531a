#include "agent/units/service_units.h"

#include <stdlib.h>
#include <string.h>

#include "agent/acts/act.h"
#include "agent/systemd/systemd_bus.h"
#include "agent/systemd/systemd_list.h"
#include "agent/systemd/systemd_look.h"
#include "agent/systemd/systemd_unit.h"
#include "agent/units/service_fluentd.h"
#include "agent/units/unit_host.h"
#include "agent/units/unit_logs.h"
#include "agent/units/unit_order.h"
#include "base/clock.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "roost/v1/units.pb-c.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/pb.h"

struct service_units {
    struct unit_host *host;          /* owned */
    struct unit_logs *logs;          /* owned */
    struct service_fluentd *fluentd; /* owned */
    struct list questions;           /* of struct question */
};

/* A question that is with systemd: List or Get. */
struct question {
    struct list node;
    struct service_units *service; /* borrowed: its list has us */
    struct invocation *invocation; /* borrowed: until it is gone */
    struct systemd_list *list;     /* owned; one of these two */
    struct systemd_look *look;     /* owned */
};

static void free_question(struct question *question) {
    list_remove(&question->node);
    systemd_list_cancel(question->list);
    systemd_look_cancel(question->look);
    free(question);
}

static void on_question_gone(struct invocation *invocation, void *user) {
    free_question(user);
}

static struct question *new_question(struct service_units *service,
                                     struct invocation *invocation) {
    struct question *question = mem_new(sizeof(*question));

    question->service = service;
    question->invocation = invocation;
    list_add_tail(&service->questions, &question->node);
    invocation_set_user(invocation, question, on_question_gone);
    return question;
}

/* It is answered: what answers it is no longer ours. */
static struct invocation *end_question(struct question *question) {
    struct invocation *invocation = question->invocation;

    question->list = NULL;
    question->look = NULL;
    invocation_set_user(invocation, NULL, NULL);
    free_question(question);
    return invocation;
}

static void fail_question(struct question *question, const struct systemd_fault *fault) {
    invocation_finish(end_question(question), fault->status, "%s", fault->text);
}

/* --- List --- */

static void on_listed(void *arg,
                      Roost__V1__ListUnitsResponse *response,
                      const struct systemd_fault *fault) {
    struct question *question = arg;
    struct unit_host *host = question->service->host;

    if (fault) {
        fail_question(question, fault);
        return;
    }
    for (size_t i = 0; i < response->n_units; i++)
        response->units[i]->is_own = unit_host_is_own(host, response->units[i]->name);
    invocation_reply(end_question(question), &response->base);
}

static void on_list(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    struct service_units *service = arg;
    const Roost__V1__ListUnitsRequest *request =
        (const Roost__V1__ListUnitsRequest *)message;

    for (size_t i = 0; i < request->n_types; i++)
        if (!systemd_list_has_type(request->types[i])) {
            invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                              "no type of unit that is listed: service, timer or socket");
            return;
        }
    if (!act_may(service->host->config.acts, invocation, POLICY_LOOK, "units"))
        return;
    struct question *question = new_question(service, invocation);
    question->list = systemd_list_new(service->host->bus, request, on_listed, question);
}

/* --- Get --- */

static void on_got(void *arg,
                   const struct systemd_unit *unit,
                   const struct systemd_fault *fault) {
    struct question *question = arg;
    struct unit_host *host = question->service->host;
    struct systemd_unit_clocks clocks = { clock_wall_ns() / 1000, loop_clock_us() };

    if (fault) {
        fail_question(question, fault);
        return;
    }
    if (unit->load_state && strcmp(unit->load_state, "not-found") == 0 &&
        systemd_unit_is_down(unit)) {
        invocation_finish(end_question(question), GRPC_NOT_FOUND, "there is no unit %s",
                          unit->id);
        return;
    }
    Roost__V1__Unit *response = systemd_unit_message(unit, &clocks);
    response->is_own = unit_host_is_own(host, unit->id);
    invocation_reply(end_question(question), &response->base);
    pb_free(&response->base);
}

static void refuse_name(struct invocation *invocation) {
    invocation_finish(
        invocation, GRPC_INVALID_ARGUMENT,
        "this is no name of a unit: letters, digits and :-_.\\@, at most 255");
}

static void on_get(void *arg,
                   struct invocation *invocation,
                   const ProtobufCMessage *message) {
    struct service_units *service = arg;
    const Roost__V1__GetUnitRequest *request = (const Roost__V1__GetUnitRequest *)message;
    char name[SYSTEMD_NAME_CAP];

    if (systemd_name_whole(request->name, name) != 0 || systemd_name_is_template(name)) {
        refuse_name(invocation);
        return;
    }
    if (!act_may(service->host->config.acts, invocation, POLICY_LOOK, "units"))
        return;
    struct question *question = new_question(service, invocation);
    question->look = systemd_look_new(service->host->bus, name, on_got, question);
}

/* --- acts --- */

static void on_ordered(void *arg,
                       const Roost__V1__UnitResult *result,
                       const struct systemd_fault *fault) {
    struct act *act = arg;

    if (fault)
        act_fail(act, fault->status, "%s", fault->text);
    else
        act_reply(act, &result->base);
}

static void on_act(struct service_units *service,
                   struct invocation *invocation,
                   const ProtobufCMessage *message,
                   enum unit_order_verb verb) {
    const Roost__V1__UnitRequest *request = (const Roost__V1__UnitRequest *)message;
    struct unit_order_config order = {
        .verb = verb,
        .limit_ms = unit_order_limit_ms(invocation),
        .force = request->force,
        .now = request->now,
        .on_done = on_ordered,
    };
    char name[SYSTEMD_NAME_CAP];
    struct act *act;

    if (systemd_name_whole(request->name, name) != 0) {
        refuse_name(invocation);
        return;
    }
    const char *why = unit_order_check(verb, name);
    if (why) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s: %s", name, why);
        return;
    }
    auto_(mem_freep) char *what = mem_printf("%s of %s", unit_order_word(verb), name);
    struct act_question question = {
        .verb = POLICY_UNITS,
        .object = name,
        .operation_id = request->operation_id,
        .what = what,
    };
    if (!act_begin(service->host->config.acts, invocation, &question, &act))
        return;
    order.name = name;
    order.arg = act;
    unit_order_start(service->host, &order);
}

static void on_start(void *arg, struct invocation *it, const ProtobufCMessage *message) {
    on_act(arg, it, message, UNIT_ORDER_START);
}

static void on_stop(void *arg, struct invocation *it, const ProtobufCMessage *message) {
    on_act(arg, it, message, UNIT_ORDER_STOP);
}

static void on_restart(void *arg,
                       struct invocation *it,
                       const ProtobufCMessage *message) {
    on_act(arg, it, message, UNIT_ORDER_RESTART);
}

static void on_reload(void *arg, struct invocation *it, const ProtobufCMessage *message) {
    on_act(arg, it, message, UNIT_ORDER_RELOAD);
}

static void on_enable(void *arg, struct invocation *it, const ProtobufCMessage *message) {
    on_act(arg, it, message, UNIT_ORDER_ENABLE);
}

static void on_disable(void *arg,
                       struct invocation *it,
                       const ProtobufCMessage *message) {
    on_act(arg, it, message, UNIT_ORDER_DISABLE);
}

static void on_logs(void *arg, struct invocation *it, const ProtobufCMessage *message) {
    struct service_units *service = arg;
    unit_logs_take(service->logs, it, (const Roost__V1__LogsRequest *)message);
}

static const struct service_method methods[] = {
    { "List", SERVICE_UNARY, on_list },         { "Get", SERVICE_UNARY, on_get },
    { "Start", SERVICE_UNARY, on_start },       { "Stop", SERVICE_UNARY, on_stop },
    { "Restart", SERVICE_UNARY, on_restart },   { "Reload", SERVICE_UNARY, on_reload },
    { "Enable", SERVICE_UNARY, on_enable },     { "Disable", SERVICE_UNARY, on_disable },
    { "Logs", SERVICE_SERVER_STREAM, on_logs }, { 0 },
};

struct service_units *service_units_new(const struct service_units_config *config) {
    struct service_units *service = mem_new(sizeof(*service));
    struct unit_host_config host = {
        .loop = config->loop,
        .acts = config->acts,
        .policy = config->policy,
        .root = config->root,
        .library = config->library,
        .is_user = config->is_user,
    };
    struct service table = {
        .descriptor = &roost__v1__units__descriptor,
        .methods = methods,
        .arg = service,
    };

    list_init(&service->questions);
    service->host = unit_host_new(&host);
    service->logs = unit_logs_new(service->host);
    services_add(config->services, &table);
    service->fluentd =
        service_fluentd_new(config->services, service->host, config->fluentd);
    return service;
}

void service_units_stop(struct service_units *service) {
    unit_logs_stop(service->logs);
}

struct service_units *service_units_free(struct service_units *service) {
    if (!service)
        return NULL;
    list_for_each_safe(node, after, &service->questions)
        free_question(container_of(node, struct question, node));
    service_fluentd_free(service->fluentd);
    unit_logs_free(service->logs);
    unit_host_free(service->host);
    free(service);
    return NULL;
}
