#include "hub/restart.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hub/data_lock.h"

enum {
    LIMIT_MS = 130000, /* the new process has a minute to start, and one to serve */
    LOOK_MS = 20,
};

/* Looks until the folder has another holder or the old one says why not. */
static int wait_for(const char *data,
                    const struct data_lock_note *before,
                    char **ret_why) {
    uint64_t end = clock_boot_ms() + LIMIT_MS;
    struct data_lock_note now = *before;

    while (clock_boot_ms() < end) {
        int r = data_lock_read(data, &now);
        if (r == 0 && now.pid != before->pid) {
            printf("process %d has taken over from %d\n", (int)now.pid, (int)before->pid);
            return 0;
        }
        if (r == 0 && now.failures > before->failures) {
            *ret_why = mem_printf("%s; the hub goes on as it was", now.why);
            return -EAGAIN;
        }
        if (kill(before->pid, 0) < 0 && errno == ESRCH) {
            *ret_why =
                mem_strdup("both processes have ended; the log of roostd says why");
            return -ESRCH;
        }
        poll(NULL, 0, LOOK_MS);
    }
    *ret_why = mem_strdup("no new process serves; the log of roostd says why");
    return -ETIMEDOUT;
}

int restart_ask(const char *data, char **ret_why) {
    struct data_lock_note before;

    int r = data_lock_is_held(data) ? data_lock_read(data, &before) : -ENOENT;
    if (r == 0 && kill(before.pid, SIGUSR2) < 0)
        r = -errno;
    if (r == -ENOENT)
        *ret_why = mem_printf("%s: no roostd uses this data folder", data);
    else if (r < 0)
        *ret_why = mem_printf("%s: %s", data, strerror(-r));
    return r < 0 ? r : wait_for(data, &before, ret_why);
}
