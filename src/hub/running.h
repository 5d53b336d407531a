/*
 * running - a hub at work: signals, systemd, restarts
 *
 *   SIGTERM, SIGINT  a graceful end
 *   SIGHUP           settings and certificates anew
 *   SIGUSR2          a new process takes over (handover.h)
 */
#pragma once

struct hub_config;

/* Runs until it is told to end: the exit status. When it could not start *ret_why is a
 * text to free. Replaces what is live in config upon a reload. */
int running_run(struct hub_config *config, char **ret_why);
