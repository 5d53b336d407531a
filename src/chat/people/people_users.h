/*
 * people_users - commands about people: who comes in, who may what, who is told
 */
#pragma once

struct turn;

void people_users_list(struct turn *turn);
void people_users_invite(struct turn *turn);
void people_users_grant(struct turn *turn);
void people_users_revoke(struct turn *turn);
void people_users_pair(struct turn *turn);
void people_users_here(struct turn *turn);
