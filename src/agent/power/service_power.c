#include "agent/power/service_power.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/acts/act.h"
#include "agent/chores.h"
#include "agent/power/power_command.h"
#include "agent/power/power_logind.h"
#include "agent/power/power_plan.h"
#include "agent/power/power_wake.h"
#include "agent/systemd/systemd_fault.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "roost/v1/power.pb-c.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    AT_ONCE_MS = 1000,       /* the answer is on its way before the network goes */
    DELAY_MAX_S = 7 * 86400, /* nobody remembers what was planned longer ago */
    MESSAGE_MAX = 1000,      /* characters, to be seen on terminals */
};

struct service_power {
    struct service_power_config config;
    struct chores *chores; /* owned, and so is all that follows */
    struct power_logind *logind;
    struct power_plan *plan;
    struct list errands; /* of struct errand */
};

/* One call under way. */
struct errand {
    struct list node;
    struct service_power *service; /* borrowed: its list has us */
    struct invocation *invocation; /* borrowed; of what is no act; NULL: gone */
    struct act *act;               /* owned until it is answered; NULL: none */
    char *operation_id;            /* owned; of Cancel */
    char *message;                 /* owned */
    char *inhibitors;              /* owned; "a (root), b (user 1)" or NULL */
    struct power_plan_deed deed;
    uint32_t delay_s;
};

static const char *object_of(enum power_kind kind) {
    return kind == POWER_REBOOT ? "reboot" : "shutdown";
}

static struct errand *errand_new(struct service_power *service) {
    struct errand *errand = mem_new(sizeof(*errand));

    errand->service = service;
    list_add_tail(&service->errands, &errand->node);
    return errand;
}

/* Acts that are not answered are over with the acts themselves. */
static void errand_free(struct errand *errand) {
    if (errand->invocation)
        invocation_set_user(errand->invocation, NULL, NULL);
    list_remove(&errand->node);
    free(errand->operation_id);
    free(errand->message);
    free(errand->inhibitors);
    free(errand);
}

/* --- answers --- */

/* What stands in an answer. */
struct state {
    bool is_planned;
    bool by_logind;
    enum power_kind kind;
    int64_t at_ms;
    char **inhibitors; /* borrowed: the look */
    size_t inhibitor_count;
};

static void fill(Roost__V1__PowerResponse *response,
                 Google__Protobuf__Timestamp *at,
                 const struct state *state) {
    const char *kind = state->kind == POWER_REBOOT ? "reboot" : "poweroff";

    roost__v1__power_response__init(response);
    response->planned = pb_lend(state->is_planned ? kind : "");
    response->at = state->is_planned ? timestamp_set(at, state->at_ms) : NULL;
    response->inhibitors = state->inhibitors;
    response->n_inhibitors = state->inhibitor_count;
    response->by = pb_lend(state->by_logind ? "logind" : "command");
}

static void reply_act(struct act *act, const struct state *state) {
    Roost__V1__PowerResponse response;
    Google__Protobuf__Timestamp at;

    fill(&response, &at, state);
    act_reply(act, &response.base);
}

/* The agent's own plan counts before what logind knows. */
static struct state state_of(const struct service_power *service,
                             const struct power_logind_look *look) {
    const struct power_plan_deed *own = power_plan_get(service->plan);
    struct state state = { .by_logind = look != NULL };

    if (look) {
        state.is_planned = look->is_planned;
        state.kind = look->kind;
        state.at_ms = look->at_ms;
        state.inhibitors = look->inhibitors;
        state.inhibitor_count = look->inhibitor_count;
    }
    if (own) {
        state.is_planned = true;
        state.kind = own->kind;
        state.at_ms = own->at_ms;
        state.by_logind = own->by_logind;
    }
    return state;
}

/* There is no logind to ask: the commands are left. */
static bool is_without_logind(const struct systemd_fault *fault) {
    return fault && fault->status == GRPC_UNIMPLEMENTED;
}

/* --- Reboot and Shutdown --- */

static void fail(struct errand *errand, const struct systemd_fault *fault) {
    act_fail(TAKE(errand->act), fault->status, "%s", fault->text);
    errand_free(errand);
}

static void succeed(struct errand *errand) {
    struct state state = {
        .is_planned = true,
        .by_logind = errand->deed.by_logind,
        .kind = errand->deed.kind,
        .at_ms = errand->deed.at_ms,
    };

    state.inhibitors = &errand->inhibitors;
    state.inhibitor_count = errand->inhibitors ? 1 : 0;
    reply_act(TAKE(errand->act), &state);
    errand_free(errand);
}

static void plan_own(struct errand *errand) {
    uint64_t delay_ms = errand->delay_s ? (uint64_t)errand->delay_s * 1000 : AT_ONCE_MS;

    power_plan_set(errand->service->plan, &errand->deed, delay_ms);
    succeed(errand);
}

static void use_command(struct errand *errand) {
    if (power_command_find(POWER_COMMAND_PLACES, errand->deed.kind) < 0) {
        act_fail(TAKE(errand->act), GRPC_UNIMPLEMENTED,
                 "this host has neither logind nor a command for it in %s",
                 POWER_COMMAND_PLACES);
        errand_free(errand);
        return;
    }
    if (*errand->message)
        power_plan_tell(errand->service->plan, errand->message);
    plan_own(errand);
}

static void on_planned(void *arg, const struct systemd_fault *fault) {
    struct errand *errand = arg;

    if (fault) {
        fail(errand, fault);
        return;
    }
    power_plan_drop(errand->service->plan);
    succeed(errand);
}

static void on_told(void *arg, const struct systemd_fault *fault) {
    struct errand *errand = arg;

    if (fault)
        log_warning("nobody on this host is told of the %s: %s",
                    object_of(errand->deed.kind), fault->text);
    if (errand->delay_s == 0)
        plan_own(errand);
    else
        power_logind_plan(errand->service->logind, errand->deed.kind, errand->deed.at_ms,
                          on_planned, errand);
}

static void on_can(void *arg, const char *can, const struct systemd_fault *fault) {
    struct errand *errand = arg;
    bool is_allowed = !fault && strcmp(can, "yes") == 0;

    if (fault) {
        fail(errand, fault);
        return;
    }
    if (!is_allowed) {
        bool is_impossible = strcmp(can, "na") == 0;
        act_fail(TAKE(errand->act),
                 is_impossible ? GRPC_FAILED_PRECONDITION : GRPC_PERMISSION_DENIED,
                 is_impossible ? "logind says that this host cannot do it"
                               : "logind does not let the agent's user do it: on the "
                                 "host, as root, roost-agent policy apply");
        errand_free(errand);
        return;
    }
    power_logind_tell(errand->service->logind, errand->message, on_told, errand);
}

/* "a (root), b (user 1)"; a new string. */
static char *join_inhibitors(const struct power_logind_look *look) {
    struct buf text = { 0 };

    for (size_t i = 0; i < look->inhibitor_count; i++)
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", look->inhibitors[i]);
    return buf_take_text(&text);
}

static void on_looked(void *arg,
                      const struct power_logind_look *look,
                      const struct systemd_fault *fault) {
    struct errand *errand = arg;

    if (is_without_logind(fault)) {
        use_command(errand);
        return;
    }
    if (fault) {
        fail(errand, fault);
        return;
    }
    errand->deed.by_logind = true;
    if (look->inhibitor_count > 0)
        errand->inhibitors = join_inhibitors(look);
    if (errand->inhibitors && !errand->deed.force) {
        act_fail(TAKE(errand->act), GRPC_FAILED_PRECONDITION,
                 "held up by %s (force goes ahead in spite of it)", errand->inhibitors);
        errand_free(errand);
        return;
    }
    power_logind_can(errand->service->logind, errand->deed.kind, on_can, errand);
}

static bool is_fine(const Roost__V1__PowerRequest *request,
                    struct invocation *invocation) {
    if (request->delay_s > DELAY_MAX_S) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "delay_s: at most %d, a week", DELAY_MAX_S);
        return false;
    }
    if (strlen(request->message) > MESSAGE_MAX) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "message: at most %d characters", MESSAGE_MAX);
        return false;
    }
    return true;
}

/* The message goes to terminals of others: it must not steer them. A new string. */
static char *clean(const char *text) {
    char *copy = mem_strdup(text);

    for (char *at = copy; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
    return copy;
}

static void begin(struct service_power *service,
                  struct invocation *invocation,
                  const Roost__V1__PowerRequest *request,
                  enum power_kind kind) {
    struct act *act;

    if (!is_fine(request, invocation))
        return;
    auto_(mem_freep) char *what =
        request->delay_s ? mem_printf("%s in %u s", object_of(kind), request->delay_s)
                         : mem_printf("%s at once", object_of(kind));
    struct act_question question = {
        .verb = POLICY_POWER,
        .object = object_of(kind),
        .operation_id = request->operation_id,
        .what = what,
    };
    if (!act_begin(service->config.acts, invocation, &question, &act))
        return;
    struct errand *errand = errand_new(service);
    errand->act = act;
    errand->message = clean(request->message);
    errand->delay_s = request->delay_s;
    errand->deed = (struct power_plan_deed) {
        .kind = kind,
        .force = request->force,
        .at_ms = clock_wall_ms() +
                 (request->delay_s ? (int64_t)request->delay_s * 1000 : AT_ONCE_MS),
    };
    power_logind_look(service->logind, on_looked, errand);
}

static void on_reboot(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    begin(arg, invocation, (const Roost__V1__PowerRequest *)message, POWER_REBOOT);
}

static void on_shutdown(void *arg,
                        struct invocation *invocation,
                        const ProtobufCMessage *message) {
    begin(arg, invocation, (const Roost__V1__PowerRequest *)message, POWER_OFF);
}

/* --- Cancel and Status --- */

static void on_gone(struct invocation *invocation, void *user) {
    struct errand *errand = user;
    errand->invocation = NULL;
}

static struct errand *errand_of(struct service_power *service,
                                struct invocation *invocation) {
    struct errand *errand = errand_new(service);

    errand->invocation = invocation;
    invocation_set_user(invocation, errand, on_gone);
    return errand;
}

static void finish(struct errand *errand, const struct systemd_fault *fault) {
    struct invocation *invocation = TAKE(errand->invocation);

    errand_free(errand);
    if (!invocation)
        return;
    invocation_set_user(invocation, NULL, NULL);
    invocation_finish(invocation, fault->status, "%s", fault->text);
}

static void reply_cancelled(struct errand *errand) {
    struct state state = { .by_logind = errand->deed.by_logind };

    reply_act(TAKE(errand->act), &state);
    errand_free(errand);
}

static void on_cancelled(void *arg, const struct systemd_fault *fault) {
    struct errand *errand = arg;

    if (fault)
        fail(errand, fault);
    else
        reply_cancelled(errand);
}

/* Asked with nothing planned, it is fine for whoever may do either. */
static const char *cancel_object(const struct service_power *service,
                                 const struct state *state) {
    if (state->is_planned)
        return object_of(state->kind);
    bool may_reboot = act_would(service->config.acts, POLICY_POWER, "reboot");
    bool may_shutdown = act_would(service->config.acts, POLICY_POWER, "shutdown");
    return may_shutdown && !may_reboot ? "shutdown" : "reboot";
}

static void on_cancel_looked(void *arg,
                             const struct power_logind_look *look,
                             const struct systemd_fault *fault) {
    struct errand *errand = arg;
    struct service_power *service = errand->service;
    struct invocation *invocation = errand->invocation;

    if (fault && !is_without_logind(fault)) {
        finish(errand, fault);
        return;
    }
    if (!invocation) {
        errand_free(errand);
        return;
    }
    struct state state = state_of(service, look);
    struct act_question question = {
        .verb = POLICY_POWER,
        .object = cancel_object(service, &state),
        .operation_id = errand->operation_id,
        .what = "no reboot or shutdown any more",
    };
    invocation_set_user(TAKE(errand->invocation), NULL, NULL);
    errand->deed.by_logind = look != NULL;
    if (!act_begin(service->config.acts, invocation, &question, &errand->act)) {
        errand_free(errand);
        return;
    }
    power_plan_drop(service->plan);
    if (look && look->is_planned)
        power_logind_cancel(service->logind, on_cancelled, errand);
    else
        reply_cancelled(errand);
}

static void on_cancel(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_power *service = arg;
    const Roost__V1__CancelPowerRequest *request =
        (const Roost__V1__CancelPowerRequest *)message;

    struct errand *errand = errand_of(service, invocation);
    errand->operation_id = mem_strdup(request->operation_id);
    power_logind_look(service->logind, on_cancel_looked, errand);
}

static void on_status_looked(void *arg,
                             const struct power_logind_look *look,
                             const struct systemd_fault *fault) {
    struct errand *errand = arg;
    struct invocation *invocation = errand->invocation;
    Roost__V1__PowerResponse response;
    Google__Protobuf__Timestamp at;

    if (fault && !is_without_logind(fault)) {
        finish(errand, fault);
        return;
    }
    struct state state = state_of(errand->service, look);
    errand_free(errand);
    if (!invocation)
        return;
    fill(&response, &at, &state);
    invocation_reply(invocation, &response.base);
}

static void on_status(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_power *service = arg;

    if (!act_may(service->config.acts, invocation, POLICY_LOOK, "host"))
        return;
    power_logind_look(service->logind, on_status_looked, errand_of(service, invocation));
}

static void on_wake(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    const struct service_power *service = arg;

    power_wake(service->config.acts, invocation, (const Roost__V1__WakeRequest *)message);
}

static const struct service_method methods[] = {
    { "Reboot", SERVICE_UNARY, on_reboot }, { "Shutdown", SERVICE_UNARY, on_shutdown },
    { "Cancel", SERVICE_UNARY, on_cancel }, { "Status", SERVICE_UNARY, on_status },
    { "Wake", SERVICE_UNARY, on_wake },     { 0 },
};

struct service_power *service_power_new(const struct service_power_config *config) {
    struct service_power *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__power__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->config = *config;
    list_init(&service->errands);
    service->chores = chores_new(config->loop);
    service->logind = power_logind_new(config->loop, config->library, config->root);
    struct power_plan_config plan = {
        .loop = config->loop,
        .logind = service->logind,
        .chores = service->chores,
    };
    service->plan = power_plan_new(&plan);
    services_add(config->services, &table);
    return service;
}

struct service_power *service_power_free(struct service_power *service) {
    if (!service)
        return NULL;
    chores_free(service->chores);
    power_logind_free(service->logind);
    power_plan_free(service->plan);
    while (!list_is_empty(&service->errands))
        errand_free(container_of(service->errands.next, struct errand, node));
    free(service);
    return NULL;
}
