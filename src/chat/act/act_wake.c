#include "chat/act/act_wake.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/act/act_call.h"
#include "roost/v1/nodes.pb-c.h"
#include "roost/v1/power.pb-c.h"
#include "wire/pb.h"

enum { SENDERS_MAX = 8 };

static char *back_of(const struct turn *turn) {
    return mem_printf("power %s", turn_node(turn));
}

/* What follows the address of a card: its network, or "". */
static const char *subnet_of(const char *network) {
    const char *blank = strchr(network, ' ');
    return blank ? blank + 1 : "";
}

static bool is_sender(const Roost__V1__Node *node, const Roost__V1__Node *sleeper) {
    return node->state == ROOST__V1__NODE_STATE__ONLINE &&
           node->kind == ROOST__V1__NODE_KIND__AGENT &&
           strcmp(node->name, sleeper->name) != 0;
}

static bool is_beside(const Roost__V1__Node *node, const char *subnet) {
    for (size_t i = 0; i < node->n_networks; i++)
        if (subnet[0] && strcmp(subnet_of(node->networks[i]), subnet) == 0)
            return true;
    return false;
}

/* An online node in one of the sleeper's networks, or NULL; *ret_card is its card there.
 */
static const Roost__V1__Node *find_neighbour(const Roost__V1__ListNodesResponse *all,
                                             const Roost__V1__Node *sleeper,
                                             const char **ret_card) {
    for (size_t i = 0; i < sleeper->n_networks; i++)
        for (size_t k = 0; k < all->n_nodes; k++)
            if (is_sender(all->nodes[k], sleeper) &&
                is_beside(all->nodes[k], subnet_of(sleeper->networks[i]))) {
                *ret_card = sleeper->networks[i];
                return all->nodes[k];
            }
    return NULL;
}

static const Roost__V1__Node *find_node(const Roost__V1__ListNodesResponse *all,
                                        const char *name) {
    for (size_t i = 0; i < all->n_nodes; i++)
        if (strcmp(all->nodes[i]->name, name) == 0)
            return all->nodes[i];
    return NULL;
}

/* --- sending --- */

static void on_sent(struct turn *turn,
                    void *arg,
                    enum grpc_status status,
                    const char *message,
                    const ProtobufCMessage *reply) {
    const Roost__V1__WakeResponse *response = (const Roost__V1__WakeResponse *)reply;
    auto_(mem_freep) char *back = back_of(turn);
    struct view *view = view_new();

    view_title(view, turn_say(turn, "✅ %s was called to wake"), turn_node(turn));
    for (size_t i = 0; i < response->n_sent; i++)
        view_field(view, turn_say(turn, "Sent into"), "%s", response->sent[i]);
    view_note(view, "%s",
              turn_say(turn,
                       "Nobody answers such a call: the host is here in a minute or "
                       "two, if its firmware listens."));
    view_button(view, VIEW_PLAIN, turn_say(turn, "is it back?"), "status %s",
                turn_node(turn));
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void send_packet(struct turn *turn, const char *via, const char *card) {
    Roost__V1__WakeRequest request = ROOST__V1__WAKE_REQUEST__INIT;
    auto_(mem_freep) char *mac = mem_dup(card, strcspn(card, " "));
    auto_(mem_freep) char *back = back_of(turn);
    auto_(mem_freep) char *what =
        mem_printf(turn_say(turn, "wake %s by %s"), turn_node(turn), via);
    struct act_state *state = act_call_state(turn);

    request.mac = mac;
    request.operation_id = pb_lend(turn_operation(turn, 0));
    act_call_run(turn, state,
                 &(const struct act_call) {
                     .node = via,
                     .method = "/roost.v1.Power/Wake",
                     .request = &request.base,
                     .what = what,
                     .back = back,
                     .on_reply = on_sent,
                     .arg = state,
                 });
}

/* --- who is to send --- */

static void show_senders(struct turn *turn,
                         const Roost__V1__ListNodesResponse *all,
                         const Roost__V1__Node *sleeper) {
    auto_(mem_freep) char *back = back_of(turn);
    struct view *view = view_new();
    size_t count = 0;

    view_title(view, turn_say(turn, "Who is in one network with %s?"), sleeper->name);
    view_text(
        view, "%s",
        turn_say(turn, "A host that is awake there sends the call. None is known."));
    for (size_t i = 0; i < all->n_nodes && count < SENDERS_MAX; i++) {
        if (!is_sender(all->nodes[i], sleeper))
            continue;
        if (count++ % 2 == 0)
            view_row(view);
        view_button(view, VIEW_PLAIN, all->nodes[i]->name, "wake %s --via %s",
                    sleeper->name, all->nodes[i]->name);
    }
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void show_no_card(struct turn *turn) {
    auto_(mem_freep) char *back = back_of(turn);
    auto_(mem_freep) char *line =
        mem_printf("/wake %s --mac aa:bb:cc:dd:ee:ff", turn_node(turn));
    struct view *view = view_new();

    view_title(view, turn_say(turn, "The network cards of %s are not known"),
               turn_node(turn));
    view_text(view, "%s", turn_say(turn, "Give the address of one:"));
    view_code(view, line);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void choose(struct turn *turn,
                   const Roost__V1__ListNodesResponse *all,
                   const Roost__V1__Node *sleeper) {
    const char *mac = turn_flag(turn, "mac");
    const char *via = turn_flag(turn, "via");
    const char *card = mac ? mac : sleeper->n_networks > 0 ? sleeper->networks[0] : NULL;
    const char *card_there = NULL;
    const Roost__V1__Node *neighbour = find_neighbour(all, sleeper, &card_there);

    if (!card)
        show_no_card(turn);
    else if (via)
        send_packet(turn, via, card);
    else if (neighbour)
        send_packet(turn, neighbour->name, mac ? mac : card_there);
    else
        show_senders(turn, all, sleeper);
}

static void on_nodes(struct turn *turn,
                     void *arg,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    const Roost__V1__ListNodesResponse *all = (const Roost__V1__ListNodesResponse *)reply;
    const Roost__V1__Node *sleeper =
        status == GRPC_OK ? find_node(all, turn_node(turn)) : NULL;
    auto_(mem_freep) char *back = back_of(turn);

    if (!sleeper) {
        act_call_fail(turn, status == GRPC_OK ? GRPC_NOT_FOUND : status, message,
                      turn_node(turn), NULL, back);
        return;
    }
    if (sleeper->state != ROOST__V1__NODE_STATE__ONLINE) {
        choose(turn, all, sleeper);
        return;
    }
    struct view *view = view_new();
    view_title(view, turn_say(turn, "%s is awake already"), sleeper->name);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

void act_wake_run(struct turn *turn) {
    Roost__V1__ListNodesRequest request = ROOST__V1__LIST_NODES_REQUEST__INIT;

    turn_call(turn, NULL, "/roost.v1.Nodes/List", &request.base, on_nodes, NULL);
}
