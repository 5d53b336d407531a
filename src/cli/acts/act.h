/*
 * act - one act asked of several nodes: chosen, confirmed, done once, told line by line
 *
 * What acting commands share:
 *
 *   r = act_nodes(cli, "reboot", args_at(cli->args, 0), &list);
 *   r = act_confirm(cli, "reboot", list);        (asks, unless --yes)
 *   ... a request and a struct act_deed for each node ...
 *   r = act_run(cli, &plan, deeds, count);
 *
 * Nodes are asked at the same time, ACT_PARALLEL of them. Each request gets an operation
 * id of its own. When the link or the hub breaks before the answer, the same is asked
 * again with the same id, so that it is done once; when time is up before it is answered,
 * the outcome is not known, and that is said. Reading methods, whose requests have no
 * operation_id, are asked again just so.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "roost/v1/nodes.pb-c.h"
#include "wire/pb.h"

struct cli;

enum { ACT_PARALLEL = 16 };

/* The options of every command that acts; rows of a table. */
#define ACT_OPTIONS                                                                      \
    { "yes", 'y', NULL, "do not ask" }, {                                                \
        "wait", 0, NULL,                                                                 \
            "without an operator key: wait for somebody who signs it (roost approve)"    \
    }

/* One call. */
struct act_deed {
    const char *node;          /* borrowed: until act_run() returns */
    const char *object;        /* "nginx (812)", for lines; NULL: none. Borrowed */
    ProtobufCMessage *request; /* borrowed; its operation_id is lent to it meanwhile */
};

struct act_plan {
    const char *method; /* "/roost.v1.Power/Reboot" */
    const ProtobufCMessageDescriptor *reply_type;
    const char *done; /* "stopped": prints "NODE: OBJECT: stopped"; NULL: on_reply does */
    /* A node has answered; not with --json when `done` is set. May be NULL. */
    void (*on_reply)(void *arg,
                     const struct act_deed *deed,
                     const ProtobufCMessage *reply);
    void *arg;
    uint64_t timeout_ms; /* for all of it, unless --timeout; 0: HUB_CALL_MS */
};

/*
 * The nodes that the operand means: a name, a title, "a,b", "pi*", "@tag". pb_free() the
 * list. An empty one means nobody: it is a usage error of the verb. 0, or the status
 * after telling.
 */
int act_nodes(struct cli *cli,
              const char *verb,
              const char *text,
              Roost__V1__ListNodesResponse **ret_list);

/* cli_confirm() of these nodes: 0 to go on. act: "reboot", "kill nginx (812) on". */
int act_confirm(const struct cli *cli,
                const char *act,
                const Roost__V1__ListNodesResponse *list);

/*
 * Asks count nodes, waits for all, prints a line for each as it answers, or with --json
 * (when `done` is set) an array at the end: objects with node, object, outcome ("done",
 * "failed", "unknown"), reply or status and message. The exit status.
 */
int act_run(struct cli *cli,
            const struct act_plan *plan,
            const struct act_deed *deeds,
            size_t count);

/* The same for one node, when the reply is wanted (pb_free() it): 0, or the status after
 * telling. */
int act_ask(struct cli *cli,
            const struct act_plan *plan,
            const struct act_deed *deed,
            ProtobufCMessage **ret_reply);
