/*
 * proc_stat - what the kernel says of one process in a line
 *
 * The line of /proc/PID/stat. The name is chosen by the process: it may hold brackets,
 * blanks, newlines and bytes that are no text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PROC_STAT_MAX = 1024,    /* the longest line has 52 numbers and a name of 64 */
    PROC_STAT_NAME_LEN = 65, /* of a kernel's worker; others have 15 */
    PROC_STAT_COMM = 15,     /* the kernel cuts names of programs here */
};

struct proc_stat {
    uint32_t pid;
    uint32_t parent;
    uint32_t flags;
    uint32_t threads;
    int32_t terminal; /* the device's number; 0: none */
    int32_t nice;
    uint64_t user_ticks;
    uint64_t system_ticks;
    uint64_t start_ticks;
    uint64_t rss_pages;
    char state;
    bool is_kernel_thread;
    uint8_t name_len;
    char name[PROC_STAT_NAME_LEN]; /* as the kernel has it, NUL-terminated */
};

/* Reads the line: false, and *ret_stat is untouched, when it is none. */
bool proc_stat_parse(const char *text, size_t len, struct proc_stat *ret_stat);
