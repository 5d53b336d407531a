/*
 * proc_order - which rows of a look are asked for, and in which order
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proc_host;
struct proc_row;
struct proc_table;

enum proc_sort {
    PROC_SORT_PID,
    PROC_SORT_CPU,    /* most first; without a look before: of their whole lives */
    PROC_SORT_MEMORY, /* most first */
    PROC_SORT_NAME,
    PROC_SORT_STARTED, /* the oldest first */
    PROC_SORT_TIME,    /* most first */
};

struct proc_question {
    const char *filter; /* part of a name, or a pattern with "*" and "?"; "": any */
    uint32_t uid;       /* when has_uid */
    enum proc_sort sort;
    bool has_uid;
    bool reverse;
    bool tree;           /* parents before their children, with depth */
    bool kernel_threads; /* these too */
    bool command_lines;  /* the filter may fit these too */
};

/* The rows that fit, in order: *ret_rows is an array to free, of pointers into the table.
 */
size_t proc_order_rows(const struct proc_host *host,
                       struct proc_table *table,
                       const struct proc_question *question,
                       struct proc_row ***ret_rows);

/* Sorts rows in place. */
void proc_order_sort(const struct proc_table *table,
                     struct proc_row **rows,
                     size_t count,
                     enum proc_sort sort,
                     bool reverse);

/* Does a text fit such a filter? */
bool proc_order_fits(const char *text, const char *filter);
