/*
 * proc_files - the open files of processes that are looked at again and again
 *
 * Reading /proc/PID/stat costs less than half when it stays open. Such a file is of one
 * process for good: once that is gone, reading fails, also when another process has its
 * number by then. The kernel keeps some 5 KiB for each, so their number is bounded, and
 * who stops looking closes them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct proc_files;

enum {
    PROC_FILES_MAX = 1024, /* 5 MiB of the kernel's; those of more processes are opened
                              for each look */
};

/* Keeps at most max files, and none at 0. The caller owns it. */
struct proc_files *proc_files_new(size_t max);

/* Closes all; NULL is fine; always returns NULL. */
struct proc_files *proc_files_free(struct proc_files *files);

/* How many a program may keep: at most half of what it may open. */
size_t proc_files_room(void);

/* The file of a process, lent until it is dropped, or -1. NULL has none. */
int proc_files_find(struct proc_files *files, uint32_t pid);

/* Takes an open file for the next time: 0, or -ENOSPC and it stays the caller's. NULL
 * has no room. There is none of this process. */
int proc_files_keep(struct proc_files *files, uint32_t pid, int fd);

/* Closes the file of a process, when there is one. */
void proc_files_drop(struct proc_files *files, uint32_t pid);

/* A look at all processes has ended: closes what nobody has asked for since the last
 * time, for these processes are gone. NULL is fine. */
void proc_files_sweep(struct proc_files *files);

/* Closes all, and may keep others afterwards. NULL is fine. */
void proc_files_clear(struct proc_files *files);

/* How many there are. */
size_t proc_files_count(const struct proc_files *files);
