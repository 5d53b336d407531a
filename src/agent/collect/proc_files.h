/*
 * proc_files - the open files of processes that are looked at again and again
 *
 * Reading a file of /proc/PID costs less than half when it stays open. Such a file is of
 * one process for good: once that is gone, reading fails, also when another process has
 * its number by then. The kernel keeps some 5 KiB for each, so their number is bounded,
 * and who stops looking closes them.
 *
 * Of a process with one thread that is schedstat, which is much shorter than stat: one
 * that has not run since has the same line in stat as before.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/collect/proc_stat.h"

struct proc_files;

enum {
    PROC_FILES_MAX = 1024,    /* 5 MiB of the kernel's; those of more processes are opened
                                 for each look */
    PROC_FILES_RUNS_MAX = 64, /* three numbers */
};

struct proc_kept {
    uint32_t pid;
    int fd; /* owned; stat, or schedstat when tells_runs */
    uint8_t runs_len;
    uint8_t age; /* how often `stat` was taken for what would be read */
    bool tells_runs;
    bool is_asked_for;
    char runs[PROC_FILES_RUNS_MAX]; /* what was read there, when tells_runs */
    struct proc_stat stat;          /* what the line was then, when runs_len > 0 */
};

/* Keeps at most max files, and none at 0. The caller owns it. */
struct proc_files *proc_files_new(size_t max);

/* Closes all; NULL is fine; always returns NULL. */
struct proc_files *proc_files_free(struct proc_files *files);

/* How many a program may keep: at most half of what it may open. */
size_t proc_files_room(void);

/* What is kept of a process, lent until others are kept or dropped; or NULL. */
struct proc_kept *proc_files_find(struct proc_files *files, uint32_t pid);

/* Is there room for one more? NULL has none. */
bool proc_files_has_room(const struct proc_files *files);

/* Takes an open file for the next time. There is room, and nothing of this process. */
void proc_files_keep(struct proc_files *files, uint32_t pid, int fd, bool tells_runs);

/* Closes the file of a process, when there is one. */
void proc_files_drop(struct proc_files *files, uint32_t pid);

/* A look at all processes has ended: closes what nobody has asked for since the last
 * time, for these processes are gone. NULL is fine. */
void proc_files_sweep(struct proc_files *files);

/* Closes all, and may keep others afterwards. NULL is fine. */
void proc_files_clear(struct proc_files *files);

/* How many there are. */
size_t proc_files_count(const struct proc_files *files);
