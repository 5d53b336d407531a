/*
 * look_activity - what happened: who joined, who did what, what was refused
 */
#pragma once

struct turn;

/* activity [NODE] [--kind KIND] [--user USER] [--before ID] */
void look_activity_run(struct turn *turn);
