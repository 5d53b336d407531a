/*
 * node_message - a node as a message of the API
 *
 * The message borrows the node's strings and holds what it needs itself, so it lives on
 * the stack and is sent at once.
 */
#pragma once

#include "hub/nodes/node.h"
#include "roost/v1/nodes.pb-c.h"

enum { NODE_MESSAGE_VERBS_MAX = 32, NODE_MESSAGE_NETWORKS_MAX = 8 };

struct node_message {
    Roost__V1__Node node;
    Google__Protobuf__Timestamp online_since;
    Google__Protobuf__Timestamp last_seen;
    Google__Protobuf__Timestamp created;
    char *capabilities[NODE_MESSAGE_VERBS_MAX]; /* borrowed: text */
    char *text;                                 /* owned: the capabilities cut apart */
    char *networks[NODE_MESSAGE_NETWORKS_MAX];  /* borrowed: network_text */
    char *network_text;                         /* owned: likewise */
    Roost__V1__NodeService *services;           /* owned */
};

/* Fills the message, which must not move. */
void node_message_init(struct node_message *message, const struct node *node);
void node_message_done(struct node_message *message);
