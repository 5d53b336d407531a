/*
 * act_stability - the stability test: how often, how long, how it goes, its chart
 *
 * Interval and length are chosen by buttons. The test goes on at the node when nobody
 * listens; its message is edited as it goes, and has the chart at the end.
 */
#pragma once

struct turn;

/* stability NODE [INTERVAL [DURATION]], or [--id ID [--end]] */
void act_stability_run(struct turn *turn);
