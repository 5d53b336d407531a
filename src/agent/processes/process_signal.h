/*
 * process_signal - a signal to one process, and to no other that has its number by now
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct proc_host;

enum {
    PROCESS_SIGNAL_E_GONE = 1, /* no process has the number */
    PROCESS_SIGNAL_E_OTHER,    /* another one has it */
};

enum { PROCESS_SIGNAL_NAME_LEN = 16 };

/* "TERM", "sigkill", "RTMIN+2" or a number: false when it is none. */
bool process_signal_parse(const char *text, int *ret_signal);

/* "SIGTERM". */
void process_signal_name(int signal, char ret_name[static PROCESS_SIGNAL_NAME_LEN]);

/*
 * Holds the process by a descriptor, looks whether it is the one that was started then,
 * and signals it: 0, PROCESS_SIGNAL_E_*, or -errno (-EPERM: it is another user's). Where
 * the kernel has no such descriptors a moment between look and signal remains.
 */
int process_signal_send(const struct proc_host *host,
                        uint32_t pid,
                        uint64_t start_ticks,
                        int signal);
