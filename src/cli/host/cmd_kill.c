#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/acts/act.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/host/processes.h"
#include "cli/terminal/terminal.h"
#include "wire/pb.h"

enum { LISTED_MAX = 20, TARGETS_MAX = 10000 };

/* One process that is meant. */
struct target {
    const char *node; /* borrowed: the list of nodes */
    char *label;      /* owned: "nginx (812)" */
    char *user;       /* owned */
    uint64_t start_ticks;
    uint32_t pid;
};

/* One command. */
struct killing {
    struct cli *cli;        /* borrowed: the command */
    const char *verb;       /* "kill" */
    const char *signal;     /* "TERM"; borrowed: the arguments */
    const char *object;     /* PID or NAME; borrowed: the arguments */
    struct target *targets; /* owned */
    size_t count;
    size_t failed; /* nodes that have no such process, or could not be asked */
    int last;      /* the status of the last one of them */
};

static bool is_pid(const char *text) {
    return *text >= '0' && *text <= '9' && strspn(text, "0123456789") == strlen(text);
}

static void add_target(struct killing *killing,
                       const char *node,
                       const Roost__V1__Process *process) {
    if (killing->count == TARGETS_MAX)
        return;
    killing->targets =
        mem_grow(killing->targets, (killing->count + 1) * sizeof(*killing->targets));
    killing->targets[killing->count++] = (struct target) {
        .node = node,
        .label = processes_label(process),
        .user = mem_strdup(process->user),
        .pid = process->pid,
        .start_ticks = process->start_ticks,
    };
}

static void targets_free(struct killing *killing) {
    for (size_t i = 0; i < killing->count; i++) {
        free(killing->targets[i].label);
        free(killing->targets[i].user);
    }
    free(killing->targets);
}

/* --- who is meant --- */

static void fail_node(struct killing *killing, int code) {
    killing->failed++;
    killing->last = code;
}

static void on_process(void *arg,
                       const struct act_deed *deed,
                       const ProtobufCMessage *reply) {
    add_target(arg, deed->node, (const Roost__V1__Process *)reply);
}

static void on_list(void *arg,
                    const struct act_deed *deed,
                    const ProtobufCMessage *reply) {
    const Roost__V1__ListProcessesResponse *list =
        (const Roost__V1__ListProcessesResponse *)reply;
    struct killing *killing = arg;
    size_t before = killing->count;

    for (size_t i = 0; i < list->n_processes; i++)
        if (strcmp(list->processes[i]->name, killing->object) == 0)
            add_target(killing, deed->node, list->processes[i]);
    if (killing->count > before)
        return;
    auto_(mem_freep) char *remedy = mem_printf("roost ps %s", deed->node);
    fail_node(killing, report_fail(REPORT_NOT_FOUND, remedy, "%s: no process \"%s\"",
                                   deed->node, killing->object));
}

static void find_on(struct killing *killing,
                    const char *node,
                    ProtobufCMessage *request) {
    bool by_pid = is_pid(killing->object);
    const struct act_deed deed = { .node = node, .request = request };
    const struct act_plan plan = {
        .method = by_pid ? "/roost.v1.Processes/Get" : "/roost.v1.Processes/List",
        .reply_type = by_pid ? &roost__v1__process__descriptor
                             : &roost__v1__list_processes_response__descriptor,
        .on_reply = by_pid ? on_process : on_list,
        .arg = killing,
    };

    int r = act_run(killing->cli, &plan, &deed, 1);
    if (r != 0)
        fail_node(killing, r);
}

static int find(struct killing *killing, const Roost__V1__ListNodesResponse *list) {
    Roost__V1__GetProcessRequest by_pid = ROOST__V1__GET_PROCESS_REQUEST__INIT;
    Roost__V1__ListProcessesRequest by_name = ROOST__V1__LIST_PROCESSES_REQUEST__INIT;

    if (is_pid(killing->object)) {
        unsigned long pid = strtoul(killing->object, NULL, 10);
        if (pid == 0 || pid > INT32_MAX)
            return cli_usage(killing->cli, "%s is no number of a process",
                             killing->object);
        by_pid.pid = (uint32_t)pid;
    }
    by_name.filter = pb_lend(killing->object);
    by_name.limit = TARGETS_MAX;
    for (size_t i = 0; i < list->n_nodes; i++)
        find_on(killing, list->nodes[i]->name,
                is_pid(killing->object) ? &by_pid.base : &by_name.base);
    return 0;
}

/* --- several of one name --- */

static bool has_several(const struct killing *killing) {
    for (size_t i = 1; i < killing->count; i++)
        if (strcmp(killing->targets[i].node, killing->targets[i - 1].node) == 0)
            return true;
    return false;
}

static void list_targets(const struct killing *killing) {
    for (size_t i = 0; i < killing->count && i < LISTED_MAX; i++)
        report_note("  %s: %s of %s", killing->targets[i].node, killing->targets[i].label,
                    killing->targets[i].user);
    if (killing->count > LISTED_MAX)
        report_note("  and %zu more", killing->count - LISTED_MAX);
}

/* Keeps the one that has the number. */
static bool keep_pid(struct killing *killing, const char *text) {
    for (size_t i = 0; i < killing->count; i++) {
        if ((unsigned long)killing->targets[i].pid != strtoul(text, NULL, 10))
            continue;
        struct target kept = killing->targets[i];
        killing->targets[i] = killing->targets[0];
        killing->targets[0] = kept;
        for (size_t k = 1; k < killing->count; k++) {
            free(killing->targets[k].label);
            free(killing->targets[k].user);
        }
        killing->count = 1;
        return true;
    }
    return false;
}

static int choose(struct killing *killing) {
    const struct cli *cli = killing->cli;

    if (!has_several(killing) || args_has(cli->args, "all"))
        return 0;
    if (args_has(cli->args, "yes") || !terminal_can_ask()) {
        int code = cli_usage(cli, "%s: \"%s\" is %zu processes: give a PID, or --all",
                             killing->verb, killing->object, killing->count);
        list_targets(killing);
        return code;
    }
    report_note("\"%s\" is %zu processes:", killing->object, killing->count);
    list_targets(killing);
    auto_(mem_freep) char *answer = terminal_ask("which PID, or all? ", false);
    if (answer && strcmp(answer, "all") == 0)
        return 0;
    if (answer && is_pid(answer) && keep_pid(killing, answer))
        return 0;
    return report_fail(REPORT_FAILED, NULL, "%s: none was chosen, nothing was done",
                       killing->verb);
}

/* --- the act --- */

static int confirm(const struct killing *killing) {
    auto_(mem_freep) char **names = mem_new_array(killing->count, sizeof(*names));

    for (size_t i = 0; i < killing->count; i++)
        names[i] =
            mem_printf("%s on %s", killing->targets[i].label, killing->targets[i].node);
    int r = cli_confirm(killing->cli, killing->verb, (const char *const *)names,
                        killing->count);
    for (size_t i = 0; i < killing->count; i++)
        free(names[i]);
    return r;
}

static int send_all(struct killing *killing, const char *done) {
    const struct cli *cli = killing->cli;
    auto_(mem_freep) Roost__V1__SignalRequest *requests =
        mem_new_array(killing->count, sizeof(*requests));
    auto_(mem_freep) struct act_deed *deeds =
        mem_new_array(killing->count, sizeof(*deeds));
    const struct act_plan plan = {
        .method = "/roost.v1.Processes/Signal",
        .reply_type = &roost__v1__signal_response__descriptor,
        .done = done,
    };

    for (size_t i = 0; i < killing->count; i++) {
        const struct target *target = &killing->targets[i];
        roost__v1__signal_request__init(&requests[i]);
        requests[i].pid = target->pid;
        requests[i].start_ticks = target->start_ticks;
        requests[i].signal = pb_lend(killing->signal);
        requests[i].force = args_has(cli->args, "force");
        requests[i].tree = args_has(cli->args, "tree");
        deeds[i] = (struct act_deed) {
            .node = target->node,
            .object = target->label,
            .request = &requests[i].base,
        };
    }
    return act_run(killing->cli, &plan, deeds, killing->count);
}

static int act_on(struct killing *killing, const char *done) {
    if (killing->count == 0)
        return killing->last;
    int r = choose(killing);
    if (r == 0)
        r = confirm(killing);
    if (r != 0)
        return r;
    r = send_all(killing, done);
    return killing->failed > 0 ? REPORT_PARTLY : r;
}

static int run_signal(struct cli *cli, const char *signal, const char *done) {
    Roost__V1__ListNodesResponse *list;
    struct killing killing = {
        .cli = cli,
        .verb = cli->command->name,
        .signal = signal,
        .object = args_at(cli->args, 1),
    };

    if (*killing.object == '\0')
        return cli_usage(cli, "%s: the process is empty", killing.verb);
    int r = act_nodes(cli, killing.verb, args_at(cli->args, 0), &list);
    if (r != 0)
        return r;
    r = find(&killing, list);
    if (r == 0)
        r = act_on(&killing, done);
    targets_free(&killing);
    pb_free(&list->base);
    return r;
}

static int run_kill(struct cli *cli) {
    const char *signal = args_value(cli->args, "signal");

    if (!signal)
        signal = "TERM";
    bool has_prefix = strncasecmp(signal, "SIG", 3) == 0;
    auto_(mem_freep) char *done =
        mem_printf("sent %s%s",
                   has_prefix || (*signal >= '0' && *signal <= '9') ? "" : "SIG", signal);
    return run_signal(cli, signal, done);
}

static int run_pause(struct cli *cli) {
    return run_signal(cli, "STOP", "paused");
}

static int run_resume(struct cli *cli) {
    return run_signal(cli, "CONT", "resumed");
}

#define COMMON_OPTIONS                                                                   \
    { "tree", 0, NULL, "all processes below it, too" },                                  \
        { "all", 'a', NULL, "all processes of that name" },                              \
        { "force", 0, NULL, "also the agent, its parents, a message bus" }, ACT_OPTIONS

static const struct args_option kill_options[] = {
    { "signal", 's', "SIGNAL", "TERM (the usual), KILL, HUP, ... or a number" },
    COMMON_OPTIONS,
    { 0 },
};
static const struct args_option options[] = {
    COMMON_OPTIONS,
    { 0 },
};

static const char details[] =
    "A process is given by its number, or by its whole name, which must be that of one "
    "process, unless --all. It is signalled only if it is still the one that was found: "
    "a number that has gone to another process meanwhile is refused. Process 1 and "
    "threads of the kernel are never signalled; the agent, its parents and message buses "
    "only with --force. The node's policy has to allow it (\"roost-agent allow signal "
    "NAME\" on the host).";

static const char *const kill_examples[] = {
    "roost kill pi 812",
    "asks, then sends SIGTERM",
    "roost kill pi nginx -s HUP --yes",
    "by name, another signal, without a question",
    "roost kill 'pi*' stress --all --yes",
    "all of that name on several nodes",
    "roost kill pi 812 -s KILL --tree",
    "it and all below it",
    NULL,
};
const struct command cmd_kill = {
    .name = "kill",
    .usage = "NODE PID|NAME",
    .summary = "end a process, or send it any signal",
    .details = details,
    .examples = kill_examples,
    .options = kill_options,
    .least = 2,
    .most = 2,
    .operands = "node",
    .second = "process",
    .run = run_kill,
};

static const char *const pause_examples[] = {
    "roost pause pi 812",
    "it waits (SIGSTOP) until \"roost resume pi 812\"",
    "roost pause pi make --tree --yes",
    "a build and all that it started",
    NULL,
};
const struct command cmd_kill_pause = {
    .name = "pause",
    .usage = "NODE PID|NAME",
    .summary = "stop a process until it is resumed",
    .details = details,
    .examples = pause_examples,
    .options = options,
    .least = 2,
    .most = 2,
    .operands = "node",
    .second = "process",
    .run = run_pause,
};

static const char *const resume_examples[] = {
    "roost resume pi 812",
    "it goes on (SIGCONT)",
    NULL,
};
const struct command cmd_kill_resume = {
    .name = "resume",
    .usage = "NODE PID|NAME",
    .summary = "let a paused process go on",
    .details = details,
    .examples = resume_examples,
    .options = options,
    .least = 2,
    .most = 2,
    .operands = "node",
    .second = "process",
    .run = run_resume,
};
