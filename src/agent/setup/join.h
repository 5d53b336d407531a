/*
 * join - exchanges a join link for a credential of this host's own
 */
#pragma once

#include <stdio.h>

struct join_config {     /* all borrowed */
    const char *link;    /* roost://..., or "-": the first line of standard input */
    const char *state;   /* the state folder */
    const char *name;    /* the wish; NULL: the host's name */
    const char *proxy;   /* NULL: from the environment */
    const char *ca_file; /* for #web links; NULL: the system's */
};

/* Runs to the end, telling what happens on standard error. 0, or 1 after an explained
 * failure. */
int join_run(const struct join_config *config);
