/*
 * networks - the network cards of this host, for those who shall wake it
 */
#pragma once

#include <stddef.h>

enum {
    NETWORKS_MAX = 8, /* cards that anybody could wake a host by */
    NETWORKS_TEXT_LEN = 64,
};

/* "aa:bb:cc:dd:ee:ff 192.0.2.0/24", or without a network the address alone. */
struct networks {
    char texts[NETWORKS_MAX][NETWORKS_TEXT_LEN];
    size_t count;
};

/* Ethernet and its like; where there are real cards, no virtual ones. root: where the
 * host's "/" is seen. */
void networks_read(struct networks *networks, const char *root);

/* The same apart by commas; a new string. */
char *networks_print(const char *root);
