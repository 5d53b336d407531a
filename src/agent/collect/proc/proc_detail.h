/*
 * proc_detail - what takes files of its own to know of one process
 *
 * What may not be read, or is no more, is absent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/collect/proc/proc_strings.h"

struct proc_host;
struct proc_row;

struct proc_detail {
    const char *command_line; /* all of them lent by strings; "" when absent */
    const char *cgroup;
    const char *unit;
    const char *executable;
    const char *working_folder;
    const char *terminal;
    uint64_t pss_bytes;
    uint64_t swap_bytes;
    uint64_t read_bytes;
    uint64_t write_bytes;
    uint32_t open_files;
    bool has_pss;
    bool has_swap;
    bool has_io;
    bool has_open_files;
    struct proc_strings strings;
};

/* Reads all of it; proc_detail_done() afterwards. */
void proc_detail_read(const struct proc_host *host,
                      const struct proc_row *row,
                      struct proc_detail *ret_detail);

void proc_detail_done(struct proc_detail *detail);

/* The deepest service or scope of systemd in a path of control groups: where it stands
 * and its length, or false. */
bool proc_detail_unit(const char *cgroup, const char **ret_unit, size_t *ret_len);

/* "pts/3" of a terminal's number; "" of 0. */
void proc_detail_terminal(int32_t number, char ret_name[static 32]);
