/*
 * storage - what lies in a folder, counted as `du --apparent-size -x` counts
 *
 * Each name adds its apparent size, folders theirs; a file with several names counts
 * once. Links are not followed, and what is mounted below is left out, whatever it is. A
 * count keeps at most STORAGE_OPEN_MAX folders open and does not recurse; names that
 * come and go meanwhile are counted or not. It blocks: run it on a thread of its own.
 * Counters may be read, and `cancel` set, by another thread while it runs.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STORAGE_OPEN_MAX = 32,     /* folders */
    STORAGE_DEPTH_MAX = 65536, /* folders in folders; deeper ones count as unreadable */
    STORAGE_LINKS_MAX = 512 << 10, /* files with several names: 16 MiB */
};

/* A file or folder right in the one that is counted. */
struct storage_entry {
    char *name; /* owned; any bytes */
    uint64_t bytes;
    uint64_t files;
    bool is_folder;
};

/* Zero it, set what is asked, end it with storage_done(). */
struct storage {
    size_t limit;       /* so many of the largest entries are kept; at least 1 */
    size_t links_max;   /* 0: STORAGE_LINKS_MAX */
    const char *within; /* borrowed: the folder must be this one (without links) or
                         * below it, but of "/" this one alone; NULL: any */
    atomic_bool cancel; /* the count ends with -ECANCELED */
    atomic_uint_fast64_t bytes;
    atomic_uint_fast64_t files;
    atomic_uint_fast64_t folders;
    atomic_uint_fast64_t unreadable;
    atomic_uint_fast64_t unsure;  /* names of files that may be counted twice */
    atomic_uint_fast64_t skipped; /* mounts */

    /* Of the thread that counts, until it has ended. */
    struct storage_entry *entries; /* owned; the largest first */
    size_t entry_count;
    uint64_t other_bytes; /* of entries that were not kept */
};

/* Counts the folder: 0, or -errno: -EPERM when it is not within what
 * may be counted, -ECANCELED. */
int storage_count(struct storage *storage, const char *path);

void storage_done(struct storage *storage);
