/*
 * alert_offer - the questions of setalert: of what, more than how much, for how long
 *
 * Metrics are those that the node has, with their values; limits are sensible ones for
 * the metric. Every answer is a button or what the person writes.
 */
#pragma once

struct turn;

void alert_offer_metrics(struct turn *turn);
void alert_offer_numbers(struct turn *turn, const char *series);

/* condition: "cpu > 90", which holds for how long? */
void alert_offer_lengths(struct turn *turn, const char *condition);
