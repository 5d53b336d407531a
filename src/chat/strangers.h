/*
 * strangers - whoever speaks to us and is nobody's user yet
 *
 * As [telegram] strangers says: told how to be let in, asked for with the administrators,
 * or made a user who may have nodes of his own.
 */
#pragma once

struct turn;

/* Ends the turn, or goes on with it when the stranger has become a user. */
void strangers_meet(struct turn *turn);
