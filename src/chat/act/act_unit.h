/*
 * act_unit - one systemd unit: how it does, its last lines, and what can be done to it
 */
#pragma once

struct turn;

/* service NODE NAME [start|stop|restart|reload|enable|disable] */
void act_unit_run(struct turn *turn);

/* The mark of a unit's active state. */
const char *act_unit_mark(const char *active_state);
