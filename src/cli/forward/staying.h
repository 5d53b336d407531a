/*
 * staying - a connection to the hub that is made again whenever it is lost
 *
 * For commands that run until somebody ends them.
 */
#pragma once

#include <stdbool.h>

struct cli;

struct staying {
    struct cli *cli; /* borrowed: the command; connected when it starts */
    /* The hub is away (false: cli->session will be another one, calls on it are over) or
     * back. Each may be NULL. */
    void (*on_lost)(void *user);
    void (*on_back)(void *user);
    void *user; /* borrowed: the command */
    int signo;  /* what ended it */
    bool quit;  /* whoever sets it calls loop_stop() */
};

/* Runs until SIGINT, SIGTERM or SIGHUP, or until quit. */
void staying_run(struct staying *staying);
