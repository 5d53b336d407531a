/*
 * proc_table - one look at all processes of a host
 *
 * Rows stand in the order of their numbers. A look costs an open, a read and a close for
 * each process (a read alone, where the host keeps its files) and no memory of its own
 * for any; a process that ends meanwhile is left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/collect/proc_strings.h"

struct proc_host;

enum {
    PROC_TABLE_ROWS_MAX = 262144, /* 24 MiB; hosts with more show these */
    PROC_TABLE_NAME_LEN = 256,
};

struct proc_row {
    const char *name; /* lent by the table */
    uint64_t start_ticks;
    uint64_t user_ticks;
    uint64_t system_ticks;
    uint64_t recent_ticks; /* used since the look before */
    uint64_t rss_pages;
    uint32_t pid;
    uint32_t parent;
    uint32_t threads;
    uint32_t uid; /* when has_uid */
    uint32_t depth;
    int32_t nice;
    int32_t terminal;
    char state;
    bool is_kernel_thread;
    bool has_uid;
};

struct proc_table {
    struct proc_row *rows; /* owned */
    size_t count;
    uint64_t taken_ns;   /* boot time */
    uint64_t between_ns; /* since the look before; 0: there was none */
    struct proc_strings strings;
};

/* Looks; with a look before, recent_ticks are known. The caller owns the table. */
struct proc_table *proc_table_take(const struct proc_host *host,
                                   const struct proc_table *before);

/* The same of one process (or of none when it is gone). */
struct proc_table *proc_table_take_one(const struct proc_host *host,
                                       uint32_t pid,
                                       const struct proc_table *before);

/* NULL is fine; always returns NULL. */
struct proc_table *proc_table_free(struct proc_table *table);

/* The row of a process, or NULL. */
struct proc_row *proc_table_find(const struct proc_table *table, uint32_t pid);

/* Looks for its user, once: the number (0 when it has gone). */
uint32_t proc_table_uid(const struct proc_host *host, struct proc_row *row);
