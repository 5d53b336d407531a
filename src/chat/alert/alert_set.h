/*
 * alert_set - rules of one's own in one line, or by questions: setalert, delalert
 *
 * "/setalert nas cpu 90" as older bots had it, "/setalert nas disk:* > 90 for 10m clear
 * 87" with all that a condition can say, or nothing at all: then the metric, the limit
 * and the time are asked for. The rule is of the person, who is told in private.
 */
#pragma once

struct turn;

/* setalert NODE [METRIC NUMBER | CONDITION] */
void alert_set_put(struct turn *turn);

/* delalert NODE [METRIC] */
void alert_set_remove(struct turn *turn);
