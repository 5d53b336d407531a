#include "agent/power/power_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    WORDS_MAX = 5,
    WAIT_MS = 20000, /* commands hand the work over to the first process */
    STEP_MS = 20,
};

static const struct command {
    enum power_kind kind;
    const char *words[WORDS_MAX];
} commands[] = {
    { POWER_REBOOT, { "systemctl", "reboot" } },
    { POWER_REBOOT, { "shutdown", "-r", "now" } },
    { POWER_REBOOT, { "reboot" } },
    { POWER_OFF, { "systemctl", "poweroff" } },
    { POWER_OFF, { "shutdown", "-P", "now" } },
    { POWER_OFF, { "poweroff" } },
};

/* The program in the first of the places that has it; a new string, or NULL. */
static char *find_program(const char *places, const char *name) {
    for (const char *at = places; *at; at += *at == ':') {
        size_t len = strcspn(at, ":");
        char *path = mem_printf("%.*s/%s", (int)len, at, name);
        if (access(path, X_OK) == 0)
            return path;
        free(path);
        at += len;
    }
    return NULL;
}

/* Reaps it: its exit status, or -ETIMEDOUT after it was killed. */
static int wait_for(pid_t pid) {
    const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
    int status = 0;

    for (int left = WAIT_MS; waitpid(pid, &status, WNOHANG) == 0; left -= STEP_MS) {
        if (left <= 0) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return -ETIMEDOUT;
        }
        nanosleep(&step, NULL);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* Nothing to read, nothing to say, no signal blocked or ignored. */
static int spawn(const char *path, const char *const *words, pid_t *ret_pid) {
    static char *const environment[] = { (char *)(uintptr_t) "PATH=" POWER_COMMAND_PLACES,
                                         NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    for (int fd = 0; fd <= 2; fd++)
        posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int r = -posix_spawn(ret_pid, path, &files, &attributes,
                         (char *const *)(uintptr_t)words, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return r;
}

/* Its exit status, -ENOENT or -errno. */
static int run(const char *places, const char *const *words) {
    auto_(mem_freep) char *path = find_program(places, words[0]);
    pid_t pid;

    if (!path)
        return -ENOENT;
    int r = spawn(path, words, &pid);
    return r < 0 ? r : wait_for(pid);
}

int power_command_find(const char *places, enum power_kind kind) {
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        auto_(mem_freep) char *path =
            commands[i].kind == kind ? find_program(places, commands[i].words[0]) : NULL;
        if (path)
            return 0;
    }
    return -ENOENT;
}

int power_command_run(const char *places, enum power_kind kind) {
    int result = -ENOENT;

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (commands[i].kind != kind)
            continue;
        int r = run(places, commands[i].words);
        if (r == 0)
            return 0;
        if (r != -ENOENT)
            result = r > 0 ? -EPERM : r;
    }
    return result;
}

void power_command_tell(const char *places, const char *message) {
    const char *const words[] = { "wall", "--", message, NULL };
    run(places, words);
}
