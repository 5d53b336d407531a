#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/acts/act.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/nodes/nodes.h"
#include "roost/v1/power.pb-c.h"
#include "wire/pb.h"

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
    request.mac = pb_lend(mac);
    request.interface = pb_lend(args_value(cli->args, "interface"));
    request.password = pb_lend(args_value(cli->args, "password"));
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

/* What follows the address of a card: its network, or "". */
static const char *subnet_of(const char *network) {
    const char *blank = strchr(network, ' ');
    return blank ? blank + 1 : "";
}

static bool is_beside(const Roost__V1__Node *node, const char *subnet) {
    if (node->state != ROOST__V1__NODE_STATE__ONLINE)
        return false;
    for (size_t i = 0; i < node->n_networks; i++)
        if (strcmp(subnet_of(node->networks[i]), subnet) == 0)
            return true;
    return false;
}

/* An online node in one of the sleeper's networks: its name, lent, or NULL; *ret_card is
 * the sleeper's card there. */
static const char *find_neighbour(const Roost__V1__ListNodesResponse *all,
                                  const Roost__V1__Node *sleeper,
                                  const char **ret_card) {
    for (size_t i = 0; i < sleeper->n_networks; i++) {
        const char *subnet = subnet_of(sleeper->networks[i]);
        for (size_t at = 0; *subnet && at < all->n_nodes; at++) {
            const Roost__V1__Node *node = all->nodes[at];
            if (strcmp(node->name, sleeper->name) == 0 || !is_beside(node, subnet))
                continue;
            *ret_card = sleeper->networks[i];
            return node->name;
        }
    }
    return NULL;
}

/* The address of a card; a new string. */
static char *mac_of(const char *network) {
    return mem_dup(network, strcspn(network, " "));
}

/* Each card, where nobody knows in which network the sender will meet it. */
static int send_all(struct cli *cli, const Roost__V1__Node *sleeper, const char *via) {
    int result = 0;

    for (size_t i = 0; i < sleeper->n_networks; i++) {
        auto_(mem_freep) char *mac = mac_of(sleeper->networks[i]);
        int r = send(cli, mac, via);
        result = r != 0 ? r : result;
    }
    return result;
}

static int wake(struct cli *cli,
                const Roost__V1__ListNodesResponse *all,
                const Roost__V1__Node *sleeper) {
    const char *via = args_value(cli->args, "via");
    const char *card = NULL;

    if (sleeper->n_networks == 0)
        return report_fail(REPORT_FAILED, "roost wake --mac ADDRESS --via NODE",
                           "%s: the hub does not know the address of its network card",
                           sleeper->name);
    if (via)
        return send_all(cli, sleeper, via);
    via = find_neighbour(all, sleeper, &card);
    if (!via)
        return report_fail(REPORT_OFFLINE, "say another node with --via",
                           "%s: no node of its networks is online", sleeper->name);
    auto_(mem_freep) char *mac = mac_of(card);
    return send(cli, mac, via);
}

static int wake_node(struct cli *cli, const char *name) {
    Roost__V1__ListNodesResponse *all;
    int result = nodes_list(cli, "", &all);

    if (result != 0)
        return result;
    const Roost__V1__Node *sleeper = NULL;
    for (size_t i = 0; i < all->n_nodes; i++)
        if (strcmp(all->nodes[i]->name, name) == 0)
            sleeper = all->nodes[i];
    result = sleeper ? wake(cli, all, sleeper) : nodes_report_none(name);
    pb_free(&all->base);
    return result;
}

static int run(struct cli *cli) {
    const char *mac = args_value(cli->args, "mac");
    const char *via = args_value(cli->args, "via");
    const char *node = args_at(cli->args, 0);
    char *name;

    if (!node && (!mac || !via))
        return cli_usage(cli, "wake: say a node, or --mac and --via");
    if (node && mac)
        return cli_usage(cli, "wake: a node, or --mac");
    if (!node)
        return send(cli, mac, via);
    int r = nodes_one(cli, node, "wake", &name);
    if (r != 0)
        return r;
    r = wake_node(cli, name);
    free(name);
    return r;
}

static const struct args_option options[] = {
    { "mac", 0, "ADDRESS", "of the sleeping machine's network card, aa:bb:cc:dd:ee:ff" },
    { "via", 0, "NODE", "the node that sends the packet (any of the same network)" },
    { "interface", 0, "NAME", "of that node: only there (every one)" },
    { "password", 0, "BYTES", "what the card wants beside (SecureOn), as an address" },
    ACT_OPTIONS,
    { 0 },
};

static const char *const examples[] = {
    "roost wake nas",
    "by any node that is online in its network",
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
