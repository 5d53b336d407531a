/*
 * folder - the names in a folder of sysfs, in a steady order
 *
 * Numbers in names count as numbers: hwmon2 comes before hwmon10.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct folder {
    char **names; /* owned, and so are the strings */
    size_t count;
};

/* Lists the names that match a pattern (fnmatch); a folder that is not there is empty. */
void folder_list(struct folder *folder, const char *path, const char *pattern);

void folder_done(struct folder *folder);

/* A number that differs when the names do; never 0. */
uint64_t folder_fingerprint(const struct folder *folder);
