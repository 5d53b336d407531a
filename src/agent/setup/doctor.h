/*
 * doctor - why does this agent not reach its hub?
 *
 * Tries each address of the hub on both transports and tells every step: DNS, TCP, proxy,
 * TLS and pin, the upgrade, the credential; each with its result, the first failure with
 * its remedy. It leaves no link behind.
 */
#pragma once

#include <stdbool.h>

struct identity;

struct doctor_config { /* all borrowed */
    const struct identity *identity;
    const char *proxy;   /* NULL: from the environment */
    const char *ca_file; /* NULL: the system's, for #web links */
    bool json;
};

/* Prints to standard output. 0 when one way works, else 1. */
int doctor_run(const struct doctor_config *config);
