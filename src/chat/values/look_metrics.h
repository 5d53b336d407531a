/*
 * look_metrics - what a node measures, by groups
 */
#pragma once

struct turn;

/* metrics [NODE] [GROUP or part of a name]: values, and their charts as buttons. */
void look_metrics_run(struct turn *turn);
