#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/act.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/nodes.h"
#include "roost/v1/power.pb-c.h"

static char *option_text(const struct cli *cli, const char *name) {
    const char *value = args_value(cli->args, name);
    return (char *)(uintptr_t)(value ? value : "");
}

/* "nas: sent into eth0 192.0.2.255:9" */
static void print_sent(void *arg,
                       const struct act_deed *deed,
                       const ProtobufCMessage *reply) {
    const struct cli *cli = arg;
    const Roost__V1__WakeResponse *response = (const Roost__V1__WakeResponse *)reply;

    for (size_t i = 0; i < response->n_sent && !cli->quiet; i++)
        printf("%s: sent into %s\n", deed->node, response->sent[i]);
}

static int send(struct cli *cli, const char *mac, const char *via) {
    Roost__V1__WakeRequest request = ROOST__V1__WAKE_REQUEST__INIT;
    Roost__V1__ListNodesResponse *list;
    struct act_plan plan = {
        .method = "/roost.v1.Power/Wake",
        .reply_type = &roost__v1__wake_response__descriptor,
        .done = cli->json ? "sent" : NULL,
        .on_reply = print_sent,
        .arg = cli,
    };

    int r = act_nodes(cli, "wake", via, &list);
    if (r != 0)
        return r;
    request.mac = (char *)(uintptr_t)mac;
    request.interface = option_text(cli, "interface");
    request.password = option_text(cli, "password");
    auto_(mem_freep) Roost__V1__WakeRequest *requests =
        mem_new_array(list->n_nodes, sizeof(*requests));
    struct act_deed *deeds = mem_new_array(list->n_nodes, sizeof(*deeds));
    for (size_t i = 0; i < list->n_nodes; i++) {
        requests[i] = request;
        deeds[i] = (struct act_deed) {
            .node = list->nodes[i]->name,
            .request = &requests[i].base,
        };
    }
    r = act_run(cli, &plan, deeds, list->n_nodes);
    free(deeds);
    pb_free(&list->base);
    return r;
}

static int run(struct cli *cli) {
    const char *mac = args_value(cli->args, "mac");
    const char *via = args_value(cli->args, "via");

    if (!mac || !via)
        return cli_usage(cli, "wake: say --mac and --via");
    return send(cli, mac, via);
}

static const struct args_option options[] = {
    { "mac", 0, "ADDRESS", "of the sleeping machine's network card, aa:bb:cc:dd:ee:ff" },
    { "via", 0, "NODE", "a node in the same network, which sends the packet" },
    { "interface", 0, "NAME", "of that node: only there (every one)" },
    { "password", 0, "BYTES", "what the card wants beside (SecureOn), as an address" },
    ACT_OPTIONS,
    { 0 },
};

static const char *const examples[] = {
    "roost wake --mac 52:54:00:12:34:56 --via pi",
    "the machine with that address, from the network of pi",
    NULL,
};

const struct command cmd_wake = {
    .name = "wake",
    .usage = "[NODE]",
    .summary = "turn a sleeping machine on, from another node of its network",
    .details =
        "A magic packet (Wake-on-LAN) goes to everybody in the networks of the node\n"
        "that sends it; its policy must allow it (roost-agent allow power wake). The\n"
        "machine must be set up to wake by it. Nothing answers: whether it wakes is\n"
        "seen when it comes online.",
    .examples = examples,
    .options = options,
    .most = 1,
    .operands = "node",
    .run = run,
};
