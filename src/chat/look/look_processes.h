/*
 * look_processes - what runs on a host
 */
#pragma once

struct turn;

/* top [NODE]: those that use most. */
void look_processes_top(struct turn *turn);

/* ps [NODE] [FILTER] [--sort cpu|mem|time|name|pid|new] [--user USER] [--mine] */
void look_processes_list(struct turn *turn);
