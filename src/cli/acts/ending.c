#include "cli/acts/ending.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/acts/act.h"
#include "cli/cli.h"
#include "cli/terminal/when.h"
#include "roost/v1/power.pb-c.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum { DELAY_MAX_S = 7 * 86400 };

/* "pi: reboots at 2026-11-20 14:05:00" */
static void print_state(void *arg,
                        const struct act_deed *deed,
                        const ProtobufCMessage *reply) {
    const struct cli *cli = arg;
    const Roost__V1__PowerResponse *state = (const Roost__V1__PowerResponse *)reply;
    bool is_reboot = strcmp(state->planned, "reboot") == 0;
    char at[WHEN_LEN];

    if (cli->quiet)
        return;
    if (*state->planned == '\0') {
        printf("%s: nothing is planned\n", deed->node);
    } else {
        when_print(timestamp_get(state->at), true, at);
        printf("%s: %s at %s\n", deed->node, is_reboot ? "reboots" : "shuts down", at);
    }
    for (size_t i = 0; i < state->n_inhibitors; i++)
        printf("%s: held up by %s\n", deed->node, state->inhibitors[i]);
    fflush(stdout);
}

/* Asks each node of the list the same. */
static int ask_nodes(struct cli *cli,
                     const char *method,
                     ProtobufCMessage *request,
                     const Roost__V1__ListNodesResponse *list,
                     const char *done) {
    struct act_plan plan = {
        .method = method,
        .reply_type = &roost__v1__power_response__descriptor,
        .done = cli->json ? done : NULL,
        .on_reply = print_state,
        .arg = cli,
    };
    auto_(mem_freep) char *room =
        mem_new_array(list->n_nodes, request->descriptor->sizeof_message);
    struct act_deed *deeds = mem_new_array(list->n_nodes, sizeof(*deeds));

    for (size_t i = 0; i < list->n_nodes; i++) {
        char *copy = room + i * request->descriptor->sizeof_message;
        memcpy(copy, request, request->descriptor->sizeof_message);
        deeds[i].node = list->nodes[i]->name;
        deeds[i].request = (ProtobufCMessage *)(void *)copy;
    }
    int r = act_run(cli, &plan, deeds, list->n_nodes);
    free(deeds);
    return r;
}

static int read_delay(const struct cli *cli, uint32_t *ret_delay_s) {
    uint64_t ms = 0;

    int r = cli_duration(cli, "in", &ms);
    if (r != 0)
        return r;
    if (ms > DELAY_MAX_S * 1000ull)
        return cli_usage(cli, "--in: at most a week");
    *ret_delay_s = (uint32_t)((ms + 999) / 1000);
    return 0;
}

static int ask_end(struct cli *cli,
                   const char *verb,
                   const char *method,
                   const Roost__V1__ListNodesResponse *list) {
    Roost__V1__PowerRequest request = ROOST__V1__POWER_REQUEST__INIT;

    request.message = pb_lend(args_value(cli->args, "message"));
    request.force = args_has(cli->args, "force");
    int r = read_delay(cli, &request.delay_s);
    if (r == 0)
        r = act_confirm(cli, verb, list);
    return r == 0 ? ask_nodes(cli, method, &request.base, list, verb) : r;
}

int ending_run(struct cli *cli, const char *verb, const char *method) {
    Roost__V1__CancelPowerRequest cancel = ROOST__V1__CANCEL_POWER_REQUEST__INIT;
    Roost__V1__PowerStatusRequest status = ROOST__V1__POWER_STATUS_REQUEST__INIT;
    bool cancels = args_has(cli->args, "cancel"), asks = args_has(cli->args, "status");
    bool plans = args_has(cli->args, "in") || args_has(cli->args, "message") ||
                 args_has(cli->args, "force");
    Roost__V1__ListNodesResponse *list;

    if (cancels + asks + plans > 1)
        return cli_usage(cli, "--cancel and --status stand alone");
    int r = act_nodes(cli, verb, args_at(cli->args, 0), &list);
    if (r != 0)
        return r;
    if (asks)
        r = ask_nodes(cli, "/roost.v1.Power/Status", &status.base, list, "asked");
    else if (cancels)
        r = ask_nodes(cli, "/roost.v1.Power/Cancel", &cancel.base, list, "cancelled");
    else
        r = ask_end(cli, verb, method, list);
    pb_free(&list->base);
    return r;
}
