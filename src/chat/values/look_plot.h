/*
 * look_plot - /plot: a chart in one line
 */
#pragma once

struct turn;

/* plot [NODES] METRICS INTERVAL... [TOP] [UNIT] [--light] [--since DAY] [--until DAY] */
void look_plot_run(struct turn *turn);
