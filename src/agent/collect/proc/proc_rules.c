#include "agent/collect/proc/proc_rules.h"

#include <string.h>

#include "agent/collect/proc/proc_host.h"
#include "agent/collect/proc/proc_table.h"

void proc_rules_read(const struct proc_host *host, struct proc_rules *ret_rules) {
    struct proc_rules rules = { .self = host->self };
    struct proc_stat stat;

    for (uint32_t pid = rules.self;
         pid > 0 && rules.parent_count < PROC_RULES_PARENTS_MAX &&
         proc_host_stat(host, pid, &stat) && stat.parent > 0;
         pid = stat.parent)
        rules.parents[rules.parent_count++] = stat.parent;
    *ret_rules = rules;
}

static bool is_parent(const struct proc_rules *rules, uint32_t pid) {
    for (size_t i = 0; i < rules->parent_count; i++)
        if (rules->parents[i] == pid)
            return true;
    return false;
}

/* A session without its bus is over. */
static bool is_bus(const char *name) {
    static const char *const names[] = {
        "dbus-broker",
        "dbus-broker-launch",
        "dbus-broker-lau",
        "dbus-daemon",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

bool proc_rules_never(const struct proc_row *row) {
    return row->pid == 1 || row->is_kernel_thread;
}

const char *proc_rules_unsafe(const struct proc_rules *rules,
                              const struct proc_row *row) {
    if (row->is_kernel_thread)
        return "it is a thread of the kernel";
    if (row->pid == 1)
        return "it is process 1";
    if (rules->self > 0 && row->pid == rules->self)
        return "it is the agent itself";
    if (is_parent(rules, row->pid))
        return "the agent runs below it";
    if (is_bus(row->name))
        return "it is a message bus";
    return NULL;
}
