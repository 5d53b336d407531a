#include "hub/nodes/node_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hub/samples/latest.h"
#include "wire/timestamp.h"

static void cut_capabilities(struct node_message *message, const struct node *node) {
    char *rest = NULL;

    message->text = mem_strdup(node->capabilities);
    message->node.capabilities = message->capabilities;
    for (char *verb = strtok_r(message->text, ", ", &rest);
         verb && message->node.n_capabilities < NODE_MESSAGE_VERBS_MAX;
         verb = strtok_r(NULL, ", ", &rest))
        message->capabilities[message->node.n_capabilities++] = verb;
}

static void cut_networks(struct node_message *message, const struct node *node) {
    char *rest = NULL;

    message->network_text = mem_strdup(node->networks);
    message->node.networks = message->networks;
    for (char *network = strtok_r(message->network_text, ",", &rest);
         network && message->node.n_networks < NODE_MESSAGE_NETWORKS_MAX;
         network = strtok_r(NULL, ",", &rest))
        message->networks[message->node.n_networks++] = network;
}

/* While it is offline nobody serves anything. */
static void add_services(struct node_message *message, const struct node *node) {
    size_t count = node->session ? node->services.count : 0;

    message->services = mem_new_array(count + 1, sizeof(*message->services));
    message->node.services = mem_new_array(count + 1, sizeof(*message->node.services));
    message->node.n_services = count;
    for (size_t i = 0; i < count; i++) {
        roost__v1__node_service__init(&message->services[i]);
        message->services[i].name = node->services.items[i].name;
        message->services[i].back_end = node->services.items[i].back_end;
        message->node.services[i] = &message->services[i];
    }
}

void node_message_init(struct node_message *message, const struct node *node) {
    Roost__V1__Node *out = &message->node;
    int64_t last_seen_ms = node->session ? clock_wall_ms() : node->last_seen_ms;

    roost__v1__node__init(out);
    out->name = node->name;
    out->title = node->title;
    out->state =
        node->session ? ROOST__V1__NODE_STATE__ONLINE : ROOST__V1__NODE_STATE__OFFLINE;
    out->kind = (Roost__V1__NodeKind)node->kind;
    out->tags = node->tags;
    out->n_tags = node_tag_count(node);
    out->online_since = timestamp_set(&message->online_since, node->online_since_ms);
    out->last_seen = timestamp_set(&message->last_seen, last_seen_ms);
    out->created = timestamp_set(&message->created, node->created_ms);
    out->address = node->address;
    out->version = node->version;
    out->transport = node->transport;
    out->generation = node->generation;
    cut_capabilities(message, node);
    cut_networks(message, node);
    add_services(message, node);
}

void node_message_done(struct node_message *message) {
    free(message->text);
    free(message->network_text);
    free(message->services);
    free(message->node.services);
}
