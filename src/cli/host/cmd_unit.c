#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/acts/act.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/host/log_view.h"
#include "cli/host/unit_out.h"
#include "cli/hub/hub.h"
#include "cli/nodes/nodes.h"
#include "cli/output.h"
#include "roost/v1/units.pb-c.h"
#include "wire/pb.h"

enum { ACT_MS = 120000 }; /* systemd itself gives most units 90 s to start or stop */

/* --- show --- */

static int run_show(struct cli *cli) {
    Roost__V1__GetUnitRequest request = ROOST__V1__GET_UNIT_REQUEST__INIT;
    auto_(mem_freep) char *node = NULL;
    ProtobufCMessage *reply;

    int r = nodes_one(cli, args_at(cli->args, 0), "show", &node);
    if (r != 0)
        return r;
    request.name = pb_lend(args_at(cli->args, 1));
    struct session_ask ask = {
        .node = node,
        .method = "/roost.v1.Units/Get",
        .request = &request.base,
        .reply_type = &roost__v1__unit__descriptor,
    };
    r = hub_call(cli, node, ask, &reply);
    if (r != 0)
        return r;
    if (cli->json)
        r = output_message(reply, true);
    else
        unit_out_unit(cli, (const Roost__V1__Unit *)reply);
    pb_free(reply);
    return r;
}

/* --- acts --- */

struct verb {
    const char *name;
    const char *method;
    const char *done;
    bool asks; /* before it takes something away */
};

static const struct verb verbs[] = {
    { "start", "/roost.v1.Units/Start", "started", false },
    { "stop", "/roost.v1.Units/Stop", "stopped", true },
    { "restart", "/roost.v1.Units/Restart", "restarted", true },
    { "reload", "/roost.v1.Units/Reload", "reloaded", false },
    { "enable", "/roost.v1.Units/Enable", "enabled", false },
    { "disable", "/roost.v1.Units/Disable", "disabled", true },
};

/* What the answers come to. */
struct outcome {
    struct cli *cli;         /* borrowed: the command */
    const struct verb *verb; /* borrowed: static */
    struct buf json;
    size_t failed;
    int last;
};

static void add_json(struct buf *out, const char *node, const ProtobufCMessage *reply) {
    buf_add_text(out, out->len == 0 ? "[\n  {\"node\":" : ",\n  {\"node\":");
    output_add_string(out, node);
    buf_add_text(out, ",\"result\":");
    output_add_message(out, reply, false);
    buf_add_byte(out, '}');
}

static void on_reply(void *arg,
                     const struct act_deed *deed,
                     const ProtobufCMessage *reply) {
    struct outcome *outcome = arg;

    if (outcome->cli->json)
        add_json(&outcome->json, deed->node, reply);
    int r = unit_out_result(outcome->cli, deed->node, outcome->verb->done,
                            (const Roost__V1__UnitResult *)reply);
    outcome->failed += r != 0;
    outcome->last = r != 0 ? r : outcome->last;
    fflush(stdout);
}

static int ask_nodes(struct cli *cli,
                     const struct verb *verb,
                     const Roost__V1__ListNodesResponse *list) {
    size_t count = list->n_nodes;
    auto_(mem_freep) Roost__V1__UnitRequest *requests =
        mem_new_array(count, sizeof(*requests));
    auto_(mem_freep) struct act_deed *deeds = mem_new_array(count, sizeof(*deeds));
    struct outcome outcome = { .cli = cli, .verb = verb };
    struct act_plan plan = {
        .method = verb->method,
        .reply_type = &roost__v1__unit_result__descriptor,
        .on_reply = on_reply,
        .arg = &outcome,
        .timeout_ms = ACT_MS,
    };

    for (size_t i = 0; i < count; i++) {
        roost__v1__unit_request__init(&requests[i]);
        requests[i].name = pb_lend(args_at(cli->args, 1));
        requests[i].force = args_has(cli->args, "force");
        requests[i].now = args_has(cli->args, "now");
        deeds[i] = (struct act_deed) {
            .node = list->nodes[i]->name,
            .object = args_at(cli->args, 1),
            .request = &requests[i].base,
        };
    }
    int r = act_run(cli, &plan, deeds, count);
    if (cli->json) {
        printf("%s\n]\n", outcome.json.len > 0 ? buf_text(&outcome.json) : "[");
        buf_done(&outcome.json);
    }
    if (r == REPORT_OK && outcome.failed > 0)
        return report_exit_of_many(outcome.failed, count, outcome.last);
    return r;
}

static int run_act(struct cli *cli) {
    const struct verb *verb = verbs;
    Roost__V1__ListNodesResponse *list;

    while (strcmp(verb->name, cli->command->name) != 0)
        verb++;
    int r = act_nodes(cli, verb->name, args_at(cli->args, 0), &list);
    if (r != 0)
        return r;
    auto_(mem_freep) char *what =
        mem_printf("%s %s on", verb->name, args_at(cli->args, 1));
    if (verb->asks)
        r = act_confirm(cli, what, list);
    if (r == 0)
        r = ask_nodes(cli, verb, list);
    pb_free(&list->base);
    return r;
}

/* --- the table --- */

#define FORCE                                                                            \
    { "force", 0, NULL, "also the agent's own unit" }

static const struct args_option act_options[] = { FORCE, { 0 } };
static const struct args_option ask_options[] = { FORCE, ACT_OPTIONS, { 0 } };
static const struct args_option enable_options[] = {
    FORCE,
    { "now", 0, NULL, "and start it" },
    { 0 },
};
static const struct args_option disable_options[] = {
    FORCE,
    { "now", 0, NULL, "and stop it" },
    ACT_OPTIONS,
    { 0 },
};

static const char *const show_examples[] = {
    "roost unit show pi nginx",
    "state, since when, PID, memory, last result",
    "roost unit show pi backup.timer",
    "and when it elapses next",
    NULL,
};
static const struct command show = {
    .name = "show",
    .usage = "NODE UNIT",
    .summary = "show all that is known of a unit",
    .examples = show_examples,
    .least = 2,
    .most = 2,
    .operands = "node",
    .second = "unit",
    .run = run_show,
};

static const char *const start_examples[] = {
    "roost unit start pi nginx",
    "waits until it is up; tells the last lines when it fails",
    "roost unit start @web nginx --timeout 10s",
    "on several hosts; goes away after 10 seconds, the job goes on",
    NULL,
};
static const struct command start = {
    .name = "start",
    .usage = "NODE UNIT",
    .summary = "start a unit",
    .examples = start_examples,
    .options = act_options,
    .least = 2,
    .most = 2,
    .operands = "node",
    .second = "unit",
    .run = run_act,
};

static const char *const stop_examples[] = {
    "roost unit stop pi nginx",
    "asks first",
    NULL,
};
static const struct command stop = {
    .name = "stop",
    .usage = "NODE UNIT",
    .summary = "stop a unit",
    .examples = stop_examples,
    .options = ask_options,
    .least = 2,
    .most = 2,
    .operands = "node",
    .second = "unit",
    .run = run_act,
};

static const char *const restart_examples[] = {
    "roost unit restart 'web*' nginx --yes",
    "without being asked",
    "roost unit restart pi roost-agent --force",
    "the agent itself: its link breaks and comes back",
    NULL,
};
static const struct command restart = {
    .name = "restart",
    .usage = "NODE UNIT",
    .summary = "restart a unit",
    .examples = restart_examples,
    .options = ask_options,
    .least = 2,
    .most = 2,
    .operands = "node",
    .second = "unit",
    .run = run_act,
};

static const char *const reload_examples[] = {
    "roost unit reload pi nginx",
    "it reads its settings anew, if it knows how",
    NULL,
};
static const struct command reload = {
    .name = "reload",
    .usage = "NODE UNIT",
    .summary = "let a unit read its settings anew",
    .examples = reload_examples,
    .options = act_options,
    .least = 2,
    .most = 2,
    .operands = "node",
    .second = "unit",
    .run = run_act,
};

static const char *const enable_examples[] = {
    "roost unit enable pi nginx --now",
    "now, and whenever the host starts",
    NULL,
};
static const struct command enable = {
    .name = "enable",
    .usage = "NODE UNIT",
    .summary = "let a unit start with the host",
    .examples = enable_examples,
    .options = enable_options,
    .least = 2,
    .most = 2,
    .operands = "node",
    .second = "unit",
    .run = run_act,
};

static const char *const disable_examples[] = {
    "roost unit disable pi nginx --now",
    "asks first",
    NULL,
};
static const struct command disable = {
    .name = "disable",
    .usage = "NODE UNIT",
    .summary = "let a unit no longer start with the host",
    .examples = disable_examples,
    .options = disable_options,
    .least = 2,
    .most = 2,
    .operands = "node",
    .second = "unit",
    .run = run_act,
};

static const char *const logs_examples[] = {
    "roost unit logs pi nginx -f",
    "the same as roost logs",
    NULL,
};
static const struct command logs = {
    .name = "logs",
    .alias = "log",
    .usage = "NODE [UNIT]",
    .summary = "show the journal of a unit",
    .examples = logs_examples,
    .options = log_view_options,
    .least = 1,
    .most = 2,
    .operands = "node",
    .second = "unit",
    .run = log_view_run,
};

static const struct command *const subcommands[] = {
    &show, &start, &stop, &restart, &reload, &enable, &disable, &logs, NULL,
};

static const char *const examples[] = {
    "roost unit show pi nginx",
    "state, since when, PID, memory, last result",
    "roost unit restart pi nginx",
    "asks first; waits until it is up again",
    "roost unit enable pi backup.timer --now",
    "timers and sockets are units as well",
    "roost unit logs pi nginx -f",
    "the same as roost logs",
    NULL,
};

const struct command cmd_unit = {
    .name = "unit",
    .usage = "NODE UNIT",
    .summary = "show, start, stop, restart, reload, enable or disable a unit",
    .details =
        "UNIT without a suffix means a service. Acts need a line \"allow units UNIT\" "
        "of\n"
        "the host's policy and the role of an operator. They wait for the end of the\n"
        "job that systemd makes of them; one that fails tells why, with the unit's last\n"
        "lines, and ends with 1; one that is not over in time ends with 7 and goes on.",
    .examples = examples,
    .least = 2,
    .most = 2,
    .operands = "node",
    .second = "unit",
    .subcommands = subcommands,
    .run = run_show,
};
