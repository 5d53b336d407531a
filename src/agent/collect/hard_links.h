/*
 * hard_links - which files with several names were met already
 *
 * Of one file system. A file is forgotten again when all its names were met, so that
 * memory is for those whose other names are elsewhere or still to come; it has a limit.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    HARD_LINKS_E_MET = 1, /* it was met before */
    HARD_LINKS_E_FULL,    /* not remembered: nobody knows */
};

struct hard_links;

/* Remembers at most count_max files, 32 bytes each. */
struct hard_links *hard_links_new(size_t count_max);

/* NULL is fine; always returns NULL. */
struct hard_links *hard_links_free(struct hard_links *links);

/* Another name of a file that has `names` of them (2 or more): 0 for its first, else
 * HARD_LINKS_E_*. */
int hard_links_meet(struct hard_links *links, uint64_t inode, uint64_t names);

/* How many are remembered. */
size_t hard_links_count(const struct hard_links *links);
