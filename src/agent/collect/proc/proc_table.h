/*
 * proc_table - one look at all processes of a host
 *
 * Rows stand in the order of their numbers. A look costs an open, a read and a close for
 * each process, and no memory of its own for any; a process that ends meanwhile is left
 * out. Who has not run since an earlier look is as he was then, and his row is taken from
 * there for a fifth of that. What others can change of him (niceness, memory) is read
 * again after half a minute at most, and who his parent is once that has ended.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/collect/proc/proc_host.h"
#include "agent/collect/proc/proc_strings.h"

enum {
    PROC_TABLE_ROWS_MAX = 262144, /* 30 MiB; hosts with more show these */
    PROC_TABLE_NAME_LEN = 256,
    PROC_TABLE_LINES_MAX = 1 << 20, /* bytes of command lines that are kept */
    PROC_TABLE_AGE_S = 32,          /* then a row is read again */
};

struct proc_row {
    const char *name; /* lent by the table */
    const char *line; /* lent by the table; NULL: not read, or not kept */
    uint64_t start_ticks;
    uint64_t user_ticks;
    uint64_t system_ticks;
    uint64_t recent_ticks; /* used since the look before */
    uint64_t rss_pages;
    uint64_t ran_ns;  /* what the clock said before it was read; 0: not known */
    uint64_t read_ns; /* boot time of the look that read it */
    uint32_t pid;
    uint32_t parent;
    uint32_t threads;
    uint32_t uid; /* when has_uid */
    uint32_t depth;
    int32_t nice;
    int32_t terminal;
    clockid_t clock; /* proc_host_clock() */
    char state;
    bool is_kernel_thread;
    bool has_uid;
};

struct proc_table {
    struct proc_row *rows; /* owned */
    size_t count;
    uint64_t taken_ns;   /* boot time */
    uint64_t between_ns; /* since the look before; 0: there was none */
    size_t line_bytes;   /* of command lines that are kept */
    struct proc_strings strings;
};

/*
 * Looks. `before`: the look from which recent_ticks are counted; NULL: they are not
 * known. `known`: a look whose rows may be taken over, mostly the same one; NULL: all are
 * read. The caller owns the table.
 */
struct proc_table *proc_table_take(const struct proc_host *host,
                                   const struct proc_table *before,
                                   const struct proc_table *known);

/* The same of one process (or of none when it is gone), which is read. */
struct proc_table *proc_table_take_one(const struct proc_host *host,
                                       uint32_t pid,
                                       const struct proc_table *before);

/* NULL is fine; always returns NULL. */
struct proc_table *proc_table_free(struct proc_table *table);

/* The row of a process, or NULL. */
struct proc_row *proc_table_find(const struct proc_table *table, uint32_t pid);

/* Looks for its user, once: the number (0 when it has gone). */
uint32_t proc_table_uid(const struct proc_host *host, struct proc_row *row);

/* Looks for its command line, once where it can be kept. buffer is for where not: the
 * line, "" when there is none, stands while both do. */
const char *proc_table_line(const struct proc_host *host,
                            struct proc_table *table,
                            struct proc_row *row,
                            char buffer[static PROC_HOST_LINE_MAX]);
