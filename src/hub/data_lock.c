#include "hub/data_lock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

struct data_lock {
    int fd; /* owned: holds the lock */
    unsigned failures;
};

int data_lock_take(const char *data, struct data_lock **ret_lock, char **ret_why) {
    char *path = file_join(data, "lock");
    int fd = -1;

    int r = file_lock(path, &fd);
    if (r == -EWOULDBLOCK)
        *ret_why = mem_printf("%s: another roostd uses this data folder", data);
    else if (r < 0)
        *ret_why = mem_printf("%s: %s", path, strerror(-r));
    free(path);
    if (r < 0)
        return r;
    struct data_lock *lock = mem_new(sizeof(*lock));
    lock->fd = fd;
    *ret_lock = lock;
    return 0;
}

void data_lock_tell(struct data_lock *lock, const char *why) {
    if (why)
        lock->failures++;
    char *text =
        mem_printf("%ld %u %s\n", (long)getpid(), lock->failures, why ? why : "");
    /* Nobody but `roostd restart` reads it, and that gives up by itself: ignoring. */
    ssize_t written = pwrite(lock->fd, text, strlen(text), 0);
    int r = ftruncate(lock->fd, (off_t)strlen(text));
    (void)written;
    (void)r;
    free(text);
}

struct data_lock *data_lock_free(struct data_lock *lock) {
    if (!lock)
        return NULL;
    close(lock->fd);
    free(lock);
    return NULL;
}

static int parse(FILE *file, struct data_lock_note *ret_note) {
    char line[sizeof(ret_note->why)];
    char *at = line;
    char *why;

    if (!fgets(line, sizeof(line), file))
        return -EAGAIN;
    line[strcspn(line, "\n")] = '\0';
    long pid = strtol(line, &at, 10);
    unsigned long failures = strtoul(at, &why, 10);
    if (pid <= 1 || pid > INT_MAX || why == at)
        return -EAGAIN;
    ret_note->pid = (pid_t)pid;
    ret_note->failures = (unsigned)failures;
    snprintf(ret_note->why, sizeof(ret_note->why), "%s", why + strspn(why, " "));
    return 0;
}

bool data_lock_is_held(const char *data) {
    char *path = file_join(data, "lock");
    int fd = -1;

    bool held = file_exists(path) && file_lock(path, &fd) == -EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    free(path);
    return held;
}

int data_lock_read(const char *data, struct data_lock_note *ret_note) {
    char *path = file_join(data, "lock");

    FILE *file = fopen(path, "re");
    int r = file ? 0 : -errno;
    if (r == 0)
        r = parse(file, ret_note);
    if (file)
        fclose(file);
    free(path);
    return r;
}
