/*
 * chat_node - the node of a command that takes one
 */
#pragma once

#include <stdbool.h>

struct turn;

/* Finds it in the words, or the chat's own: true, and the turn has it. False: the turn
 * ended with a question or a refusal. */
bool chat_node_find(struct turn *turn);
