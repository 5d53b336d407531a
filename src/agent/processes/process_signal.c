#include "agent/processes/process_signal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/collect/proc/proc_host.h"

/* Names beside those that the C library prints. */
static const struct {
    const char *name;
    int signal;
} others[] = {
    { "CLD", SIGCHLD },
    { "IO", SIGIO },
    { "IOT", SIGABRT },
    { "UNUSED", SIGSYS },
};

static bool parse_number(const char *text, int *ret_number) {
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    unsigned long number = strtoul(text, &end, 10);
    if (*end != '\0' || number > (unsigned long)SIGRTMAX)
        return false;
    *ret_number = (int)number;
    return true;
}

/* "RTMIN", "RTMIN+2", "RTMAX-1". */
static bool parse_real_time(const char *text, int *ret_signal) {
    bool is_low = strncasecmp(text, "RTMIN", 5) == 0;
    int offset = 0;

    if (!is_low && strncasecmp(text, "RTMAX", 5) != 0)
        return false;
    if (text[5] != '\0' &&
        (text[5] != (is_low ? '+' : '-') || !parse_number(text + 6, &offset)))
        return false;
    int signal = is_low ? SIGRTMIN + offset : SIGRTMAX - offset;
    if (signal < SIGRTMIN || signal > SIGRTMAX)
        return false;
    *ret_signal = signal;
    return true;
}

static bool parse_name(const char *text, int *ret_signal) {
    for (int signal = 1; signal < SIGRTMIN; signal++) {
        const char *name = sigabbrev_np(signal);
        if (name && strcasecmp(name, text) == 0) {
            *ret_signal = signal;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcasecmp(others[i].name, text) == 0) {
            *ret_signal = others[i].signal;
            return true;
        }
    }
    return parse_real_time(text, ret_signal);
}

bool process_signal_parse(const char *text, int *ret_signal) {
    int number;

    if (parse_number(text, &number)) {
        if (number == 0)
            return false;
        *ret_signal = number;
        return true;
    }
    if (strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    return parse_name(text, ret_signal);
}

void process_signal_name(int signal, char ret_name[static PROCESS_SIGNAL_NAME_LEN]) {
    const char *name = signal < SIGRTMIN ? sigabbrev_np(signal) : NULL;

    if (name)
        snprintf(ret_name, PROCESS_SIGNAL_NAME_LEN, "SIG%s", name);
    else if (signal >= SIGRTMIN && signal <= SIGRTMAX)
        snprintf(ret_name, PROCESS_SIGNAL_NAME_LEN, "SIGRTMIN+%d", signal - SIGRTMIN);
    else
        snprintf(ret_name, PROCESS_SIGNAL_NAME_LEN, "signal %d", signal);
}

/* Descriptor or -errno; -ENOSYS: an old kernel. */
static int hold(uint32_t pid) {
    long fd = syscall(SYS_pidfd_open, (pid_t)pid, 0);
    return fd < 0 ? -errno : (int)fd;
}

static int look(const struct proc_host *host, uint32_t pid, uint64_t start_ticks) {
    struct proc_stat stat;

    if (!proc_host_stat(host, pid, &stat))
        return PROCESS_SIGNAL_E_GONE;
    return stat.start_ticks == start_ticks ? 0 : PROCESS_SIGNAL_E_OTHER;
}

static int send_by_number(const struct proc_host *host,
                          uint32_t pid,
                          uint64_t start_ticks,
                          int signal) {
    int r = look(host, pid, start_ticks);
    if (r != 0)
        return r;
    return kill((pid_t)pid, signal) == 0 ? 0 : -errno;
}

int process_signal_send(const struct proc_host *host,
                        uint32_t pid,
                        uint64_t start_ticks,
                        int signal) {
    int fd = hold(pid);
    int r;

    if (fd == -ESRCH)
        return PROCESS_SIGNAL_E_GONE;
    if (fd == -ENOSYS || fd == -EPERM) /* not there, or kept from us by a filter */
        r = send_by_number(host, pid, start_ticks, signal);
    else if (fd < 0)
        return fd;
    else {
        r = look(host, pid, start_ticks);
        if (r == 0 && syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) != 0)
            r = -errno;
        close(fd);
    }
    return r == -ESRCH ? PROCESS_SIGNAL_E_GONE : r;
}
