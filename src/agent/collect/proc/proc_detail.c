#include "agent/collect/proc/proc_detail.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/collect/proc/proc_host.h"
#include "agent/collect/proc/proc_table.h"
#include "agent/collect/text.h"

enum {
    FILE_BYTES = 8192,
    PTY_FIRST = 136, /* majors of pseudo terminals */
    PTY_LAST = 143,
    SERIAL_FIRST = 64, /* minor of ttyS0 among the terminals */
};

static bool ends_with(const char *at, size_t len, const char *suffix) {
    size_t suffix_len = strlen(suffix);
    return len > suffix_len && memcmp(at + len - suffix_len, suffix, suffix_len) == 0;
}

bool proc_detail_unit(const char *cgroup, const char **ret_unit, size_t *ret_len) {
    bool found = false;

    while (*cgroup) {
        size_t len = strcspn(cgroup, "/");
        if (ends_with(cgroup, len, ".service") || ends_with(cgroup, len, ".scope")) {
            *ret_unit = cgroup;
            *ret_len = len;
            found = true;
        }
        cgroup += len + (cgroup[len] == '/');
    }
    return found;
}

void proc_detail_terminal(int32_t number, char ret_name[static 32]) {
    unsigned device = (unsigned)number;
    unsigned major = device >> 8 & 0xfff;
    unsigned minor = (device & 0xff) | (device >> 12 & 0xfff00);

    if (device == 0)
        ret_name[0] = '\0';
    else if (major >= PTY_FIRST && major <= PTY_LAST)
        snprintf(ret_name, 32, "pts/%u", (major - PTY_FIRST) * 256 + minor);
    else if (major == 4 && minor < SERIAL_FIRST)
        snprintf(ret_name, 32, "tty%u", minor);
    else if (major == 4)
        snprintf(ret_name, 32, "ttyS%u", minor - SERIAL_FIRST);
    else
        snprintf(ret_name, 32, "%u:%u", major, minor);
}

/* The number behind "Name:" at the start of a line. */
static bool find_number(const char *text, const char *name, uint64_t *ret_number) {
    for (; *text; text = text_next_line(text)) {
        const char *at = text;
        if (text_skip(&at, name))
            return text_number(&at, ret_number);
    }
    return false;
}

/* The path of systemd's hierarchy, or of the unified one. */
static void read_cgroup(const struct proc_host *host,
                        uint32_t pid,
                        struct proc_detail *detail) {
    char text[FILE_BYTES];
    const char *path = NULL, *unit;
    size_t len;

    if (proc_host_read(host, pid, "cgroup", text, sizeof(text)) <= 0)
        return;
    for (const char *line = text; *line; line = text_next_line(line)) {
        const char *colon = strchr(line, ':');
        if (!colon)
            break;
        if (strncmp(colon, ":name=systemd:", 14) == 0)
            path = colon + 14;
        else if (!path && strncmp(colon, "::", 2) == 0)
            path = colon + 2;
    }
    if (!path)
        return;
    text[(size_t)(strchrnul(path, '\n') - text)] = '\0';
    detail->cgroup = proc_strings_add(&detail->strings, path, strlen(path));
    if (proc_detail_unit(path, &unit, &len))
        detail->unit = proc_strings_add(&detail->strings, unit, len);
}

static void read_memory(const struct proc_host *host,
                        uint32_t pid,
                        struct proc_detail *detail) {
    char text[FILE_BYTES];

    if (proc_host_read(host, pid, "status", text, sizeof(text)) > 0)
        detail->has_swap = find_number(text, "VmSwap:", &detail->swap_bytes);
    detail->swap_bytes *= 1024;
    if (proc_host_read(host, pid, "smaps_rollup", text, sizeof(text)) > 0)
        detail->has_pss = find_number(text, "Pss:", &detail->pss_bytes);
    detail->pss_bytes *= 1024;
}

static void read_io(const struct proc_host *host,
                    uint32_t pid,
                    struct proc_detail *detail) {
    char text[FILE_BYTES];

    if (proc_host_read(host, pid, "io", text, sizeof(text)) > 0)
        detail->has_io = find_number(text, "read_bytes:", &detail->read_bytes) &&
                         find_number(text, "write_bytes:", &detail->write_bytes);
}

static void count_files(const struct proc_host *host,
                        uint32_t pid,
                        struct proc_detail *detail) {
    const struct dirent *entry;
    char path[32];

    snprintf(path, sizeof(path), "%u/fd", pid);
    int fd = openat(dirfd(host->proc), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        return;
    }
    while ((entry = readdir(folder)))
        detail->open_files += entry->d_name[0] != '.';
    detail->has_open_files = true;
    closedir(folder);
}

static const char *read_link(const struct proc_host *host,
                             uint32_t pid,
                             const char *name,
                             struct proc_strings *strings) {
    char path[32], target[PATH_MAX];

    snprintf(path, sizeof(path), "%u/%s", pid, name);
    ssize_t len = readlinkat(dirfd(host->proc), path, target, sizeof(target));
    return len > 0 ? proc_strings_add(strings, target, (size_t)len) : "";
}

void proc_detail_read(const struct proc_host *host,
                      const struct proc_row *row,
                      struct proc_detail *ret_detail) {
    struct proc_detail detail = { .cgroup = "", .unit = "", .command_line = "" };
    char line[PROC_HOST_LINE_MAX], terminal[32];

    size_t len = proc_host_line(host, row->pid, line, sizeof(line));
    if (len > 0)
        detail.command_line = proc_strings_add(&detail.strings, line, len);
    read_cgroup(host, row->pid, &detail);
    read_memory(host, row->pid, &detail);
    read_io(host, row->pid, &detail);
    count_files(host, row->pid, &detail);
    detail.executable = read_link(host, row->pid, "exe", &detail.strings);
    detail.working_folder = read_link(host, row->pid, "cwd", &detail.strings);
    proc_detail_terminal(row->terminal, terminal);
    detail.terminal = proc_strings_add(&detail.strings, terminal, strlen(terminal));
    *ret_detail = detail;
}

void proc_detail_done(struct proc_detail *detail) {
    proc_strings_done(&detail->strings);
}
