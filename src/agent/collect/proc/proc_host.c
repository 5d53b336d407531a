#include "agent/collect/proc/proc_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/collect/proc/proc_users.h"
#include "agent/collect/text.h"
#include "base/clock.h"
#include "base/mem.h"

enum {
    PATH_CAP = 48,
    BOOTED_EVERY_MS = 10000, /* /proc/stat is long on a machine of many cores */
    PIECE_BYTES = 16384,
    STATUS_BYTES = 4096,
};

/* A piece of /proc/stat, from the start of a line. */
static void take_piece(struct proc_host *host, const char *at) {
    uint64_t number;

    for (; *at; at = text_next_line(at)) {
        const char *line = at;
        if (text_skip(&line, "cpu") && *line >= '0' && *line <= '9')
            host->cpus++;
        else if (text_skip(&line, "btime") && text_number(&line, &number))
            host->booted_ms = number * 1000;
    }
}

/* The line of interrupts may be longer than a piece, so pieces are cut at newlines. */
static void read_stat(struct proc_host *host) {
    auto_(mem_freep) char *piece = mem_grow(NULL, PIECE_BYTES + 1);
    int fd = openat(dirfd(host->proc), "stat", O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t got;

    host->cpus = 0;
    while (fd >= 0 && (got = read(fd, piece + len, PIECE_BYTES - len)) > 0) {
        len += (size_t)got;
        piece[len] = '\0';
        char *cut = memrchr(piece, '\n', len);
        if (cut) {
            *cut = '\0';
            take_piece(host, piece);
            len -= (size_t)(cut + 1 - piece);
            memmove(piece, cut + 1, len);
        } else if (len == PIECE_BYTES) {
            len = 0;
        }
    }
    if (fd >= 0)
        close(fd);
    if (host->cpus == 0)
        host->cpus = 1;
}

static uint32_t find_self(const struct proc_host *host) {
    char text[16];
    ssize_t len = readlinkat(dirfd(host->proc), "self", text, sizeof(text) - 1);

    if (len <= 0)
        return 0;
    text[len] = '\0';
    return (uint32_t)strtoul(text, NULL, 10);
}

/* Is this /proc of our own PID namespace? Then we have a single number there, and it is
 * the one that we know. */
static bool find_clocks(const struct proc_host *host) {
    char status[STATUS_BYTES];
    uint64_t number;

    if (host->self != (uint32_t)getpid() ||
        proc_host_read(host, host->self, "status", status, sizeof(status)) <= 0)
        return false;
    for (const char *at = status; *at; at = text_next_line(at)) {
        const char *line = at;
        if (text_skip(&line, "NSpid:"))
            return text_number(&line, &number) && number == host->self && *line == '\n';
    }
    return false;
}

int proc_host_open(const char *root, struct proc_host **ret_host) {
    auto_(mem_freep) char *path = mem_printf("%s/proc", root);
    DIR *proc = opendir(path);

    if (!proc)
        return -errno;
    struct proc_host *host = mem_new(sizeof(*host));
    host->root = mem_strdup(root);
    host->proc = proc;
    host->users = proc_users_new(root);
    host->ticks_per_s = (uint64_t)sysconf(_SC_CLK_TCK);
    host->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    host->self = find_self(host);
    host->has_clocks = find_clocks(host);
    *ret_host = host;
    return 0;
}

struct proc_host *proc_host_free(struct proc_host *host) {
    if (!host)
        return NULL;
    closedir(host->proc);
    proc_users_free(host->users);
    free(host->root);
    free(host);
    return NULL;
}

void proc_host_refresh(struct proc_host *host) {
    uint64_t now_ms = clock_boot_ms();

    proc_users_refresh(host->users);
    if (host->booted_read_ms > 0 && now_ms - host->booted_read_ms < BOOTED_EVERY_MS)
        return;
    host->booted_read_ms = now_ms;
    read_stat(host);
}

static int open_file(const struct proc_host *host, uint32_t pid, const char *file) {
    char path[PATH_CAP];

    snprintf(path, sizeof(path), "%u/%s", pid, file);
    int fd = openat(dirfd(host->proc), path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

ssize_t proc_host_read(const struct proc_host *host,
                       uint32_t pid,
                       const char *file,
                       char *bytes,
                       size_t cap) {
    int fd = open_file(host, pid, file);
    size_t len = 0;
    ssize_t got = 1;

    if (fd < 0)
        return fd;
    while (got > 0 && len < cap - 1) {
        got = read(fd, bytes + len, cap - 1 - len);
        if (got > 0)
            len += (size_t)got;
    }
    int r = got < 0 && len == 0 ? -errno : 0;
    close(fd);
    bytes[len] = '\0';
    return r < 0 ? r : (ssize_t)len;
}

bool proc_host_stat(const struct proc_host *host,
                    uint32_t pid,
                    struct proc_stat *ret_stat) {
    char text[PROC_STAT_MAX];
    int fd = open_file(host, pid, "stat");

    if (fd < 0)
        return false;
    ssize_t len = read(fd, text, sizeof(text)); /* one read: the kernel gives all */
    close(fd);
    return len > 0 && proc_stat_parse(text, (size_t)len, ret_stat) &&
           ret_stat->pid == pid;
}

clockid_t proc_host_clock(const struct proc_host *host, uint32_t pid) {
    clockid_t clock;

    return host->has_clocks && clock_getcpuclockid((pid_t)pid, &clock) == 0 ? clock : 0;
}

bool proc_host_uid(const struct proc_host *host, uint32_t pid, uint32_t *ret_uid) {
    struct stat folder;
    char path[PATH_CAP];

    snprintf(path, sizeof(path), "%u", pid);
    if (fstatat(dirfd(host->proc), path, &folder, 0) != 0)
        return false;
    *ret_uid = folder.st_uid;
    return true;
}

bool proc_host_long_name(const struct proc_host *host,
                         const struct proc_stat *stat,
                         char *name,
                         size_t cap,
                         size_t *ret_len) {
    char line[512];

    if (stat->name_len != PROC_STAT_COMM || stat->is_kernel_thread ||
        proc_host_read(host, stat->pid, "cmdline", line, sizeof(line)) <= 0)
        return false;
    const char *slash = strrchr(line, '/');
    const char *base = slash ? slash + 1 : line;
    size_t len = strlen(base);
    if (len <= stat->name_len || len >= cap ||
        memcmp(base, stat->name, stat->name_len) != 0)
        return false;
    memcpy(name, base, len + 1);
    *ret_len = len;
    return true;
}

size_t proc_host_line(const struct proc_host *host,
                      uint32_t pid,
                      char *line,
                      size_t cap) {
    ssize_t got = proc_host_read(host, pid, "cmdline", line, cap);
    size_t len = got > 0 ? (size_t)got : 0;

    while (len > 0 && line[len - 1] == '\0')
        len--;
    for (size_t i = 0; i < len; i++)
        if (line[i] == '\0')
            line[i] = ' ';
    line[len] = '\0';
    return len;
}
