/*
 * processes_answer - processes as messages of the API
 *
 * Made where rows are read, on a worker's thread, so that the loop only has to pack them.
 * The messages hold copies of all texts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/collect/proc/proc_order.h"
#include "agent/collect/proc/proc_strings.h"
#include "roost/v1/processes.pb-c.h"

struct proc_host;
struct proc_row;
struct proc_rules;
struct proc_table;

/* Zero it. */
struct processes_answer {
    Roost__V1__Process *items;                /* owned */
    Roost__V1__Process **pointers;            /* owned: to items */
    Google__Protobuf__Timestamp *starts;      /* owned */
    Roost__V1__ProcessGroup *groups;          /* owned */
    Roost__V1__ProcessGroup **group_pointers; /* owned: to groups */
    size_t count;
    size_t group_count;
    struct proc_strings strings;
};

/* What the messages are made from. */
struct processes_source {
    struct proc_host *host;         /* borrowed: the maker's */
    struct proc_table *table;       /* borrowed: the maker's */
    const struct proc_rules *rules; /* borrowed: the maker's */
    bool command_lines;             /* the asker may see them */
};

/* Fills items with rows until texts take bytes_max: how many, at least one. */
size_t processes_answer_rows(struct processes_answer *answer,
                             const struct processes_source *source,
                             struct proc_row *const *rows,
                             size_t count,
                             size_t bytes_max);

/* Adds what takes files of its own to the only item. */
void processes_answer_detail(struct processes_answer *answer,
                             const struct processes_source *source,
                             const struct proc_row *row);

/* Fills groups: those of all rows that use most, merged by name. */
void processes_answer_groups(struct processes_answer *answer,
                             const struct processes_source *source,
                             enum proc_sort sort,
                             size_t max);

/* It is empty and usable afterwards. */
void processes_answer_done(struct processes_answer *answer);
