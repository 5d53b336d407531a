/*
 * proc_rules - which processes nobody should signal by mistake
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proc_host;
struct proc_row;

enum { PROC_RULES_PARENTS_MAX = 64 };

struct proc_rules {
    uint32_t self; /* 0: we are not among them */
    uint32_t parents[PROC_RULES_PARENTS_MAX];
    size_t parent_count;
};

/* Finds ourselves and our parents. */
void proc_rules_read(const struct proc_host *host, struct proc_rules *ret_rules);

/* Why it is not to be signalled without force, or NULL: "it is the agent itself". */
const char *proc_rules_unsafe(const struct proc_rules *rules, const struct proc_row *row);

/* Is it never to be signalled, whatever the force? */
bool proc_rules_never(const struct proc_row *row);
