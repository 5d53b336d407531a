/*
 * proc_host - /proc of the host whose processes are read
 *
 * Opened once and used for many looks, by one thread at a time. Some reads can block
 * (names of users, memory of a stuck process), so that is no loop's thread.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "agent/collect/proc/proc_stat.h"

struct proc_users;

enum { PROC_HOST_LINE_MAX = 2048 }; /* command lines are cut behind so many bytes */

struct proc_host {
    char *root;               /* owned; "" is this host */
    DIR *proc;                /* owned */
    struct proc_users *users; /* owned */
    uint64_t booted_ms;       /* wall clock */
    uint64_t booted_read_ms;  /* when that was looked at */
    uint64_t ticks_per_s;
    uint64_t page_bytes;
    unsigned cpus;
    uint32_t self;   /* our own number there; 0: we are not among them */
    bool has_clocks; /* numbers there are those that the kernel knows us by */
};

/* 0 or -errno. */
int proc_host_open(const char *root, struct proc_host **ret_host);

/* NULL is fine; always returns NULL. */
struct proc_host *proc_host_free(struct proc_host *host);

/* Before each look: clocks are set and users come and go. */
void proc_host_refresh(struct proc_host *host);

/* Reads a file of a process, at most cap - 1 bytes, and ends them with a NUL: how many,
 * or -errno. */
ssize_t proc_host_read(const struct proc_host *host,
                       uint32_t pid,
                       const char *file,
                       char *bytes,
                       size_t cap);

/* The line of one process: false when it is gone. */
bool proc_host_stat(const struct proc_host *host,
                    uint32_t pid,
                    struct proc_stat *ret_stat);

/*
 * The clock that tells how long all threads of a process have run, for clock_gettime();
 * 0 when there is none to be had. Asking it costs a tenth of reading the line, and says
 * whether that can have changed: who has not run has neither ended nor changed anything
 * of his own.
 */
clockid_t proc_host_clock(const struct proc_host *host, uint32_t pid);

/* Its user: false when it is gone. */
bool proc_host_uid(const struct proc_host *host, uint32_t pid, uint32_t *ret_uid);

/*
 * The whole name of a process whose name the kernel has cut, from its command line, or
 * false. Bytes as the process has them, NUL-terminated.
 */
bool proc_host_long_name(const struct proc_host *host,
                         const struct proc_stat *stat,
                         char *name,
                         size_t cap,
                         size_t *ret_len);

/* The command line with blanks between its words, NUL-terminated: its length, or 0 when
 * there is none. */
size_t proc_host_line(const struct proc_host *host, uint32_t pid, char *line, size_t cap);
