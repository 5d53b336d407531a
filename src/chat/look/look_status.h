/*
 * look_status - one node at a glance, and the way to all that can be done with it
 */
#pragma once

struct turn;

/* status [NODE]: all figures, refreshed in place. */
void look_status_run(struct turn *turn);

/* watch [NODE]: the same, refreshing itself for five minutes. */
void look_status_watch(struct turn *turn);
