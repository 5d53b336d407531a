/*
 * people_nodes - commands that add, name and forget nodes
 */
#pragma once

struct turn;

void people_nodes_new_key(struct turn *turn);
void people_nodes_link_key(struct turn *turn);
void people_nodes_set(struct turn *turn);
void people_nodes_rename(struct turn *turn);
void people_nodes_title(struct turn *turn);
void people_nodes_tag(struct turn *turn);
void people_nodes_remove(struct turn *turn);
