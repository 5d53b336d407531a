/*
 * alert_rules - rules: the list, one of them, turning it on and off, changing it
 */
#pragma once

struct turn;

/* rules [NODE|@tag] [--page N] */
void alert_rules_list(struct turn *turn);

/* rule NAME [on|off|test|remove|when CONDITION|severity WORD|repeat DURATION] */
void alert_rules_one(struct turn *turn);
