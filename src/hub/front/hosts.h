/*
 * hosts - the names under which browsers may open pages of this hub
 *
 * A page of another site makes the browser send its own name: requests under none of
 * these are refused (rpc/origin.h). This machine's names are always among them.
 */
#pragma once

#include <stddef.h>

struct hub_config;

enum { HOSTS_MAX = 64 };

struct hosts {
    const char *names[HOSTS_MAX + 1]; /* owned; NULL stands after the last */
    size_t count;
};

/* Forgets what was there, and takes what is configured now. */
void hosts_read(struct hosts *hosts, const struct hub_config *config);

/* Frees the names; empty ones are fine. */
void hosts_clear(struct hosts *hosts);
