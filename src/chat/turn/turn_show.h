/*
 * turn_show - what a turn shows, one after the other
 *
 * Progress is shown at most every TURN_PACE_MS, the newest; the answer comes as soon as
 * what is on its way has been taken, in the same message. When the answer has been taken
 * the turn is done.
 */
#pragma once

#include "chat/view.h"

struct turn;

void turn_show_init(struct turn *turn);
void turn_show_done(struct turn *turn);

/* Progress, the answer, and messages beside it. Each takes the view. The answer may be
 * NULL: nothing is shown. */
void turn_show_next(struct turn *turn, struct view *view);
void turn_show_last(struct turn *turn, struct view *view);
void turn_show_beside(struct turn *turn, struct view *view);
