/*
 * act_units - the list of a host's systemd units, the failed ones first
 */
#pragma once

struct turn;

/* units NODE [FILTER] [--page N] */
void act_units_list(struct turn *turn);

/* failed NODE */
void act_units_failed(struct turn *turn);
