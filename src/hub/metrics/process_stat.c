#include "hub/metrics/process_stat.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"

static uint64_t count_fds(void) {
    DIR *folder = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count >= 3 ? count - 3 : 0; /* ".", ".." and this folder */
}

/* The fields of /proc/self/stat, counted from the one behind the name. */
enum { FIELD_START = 19, FIELD_PAGES = 21, FIELDS };

/* The name may hold anything, spaces and parentheses too: only its end counts. */
static int parse(const char *text, uint64_t *ret_start_ticks, uint64_t *ret_pages) {
    unsigned long long fields[FIELDS] = { 0 };
    const char *at = strrchr(text, ')');

    if (!at)
        return -EINVAL;
    at = strchr(at, ' ');
    for (int i = 0; i < FIELDS; i++) {
        if (!at)
            return -EINVAL;
        fields[i] = strtoull(at, NULL, 10); /* the state, a letter, is nobody's number */
        at = strchr(at + 1, ' ');
    }
    *ret_start_ticks = fields[FIELD_START];
    *ret_pages = fields[FIELD_PAGES];
    return 0;
}

int process_stat_read(struct process_stat *ret) {
    struct buf text = { 0 };
    struct rusage usage;
    struct rlimit limit;
    uint64_t start_ticks = 0, pages = 0;

    int r = file_read("/proc/self/stat", 4096, &text);
    if (r == 0)
        r = parse(buf_text(&text), &start_ticks, &pages);
    buf_done(&text);
    if (r < 0)
        return r;
    getrusage(RUSAGE_SELF, &usage);
    getrlimit(RLIMIT_NOFILE, &limit);
    double boot_s = (double)clock_wall_ms() / 1000 - (double)clock_boot_ms() / 1000;
    *ret = (struct process_stat) {
        .cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
        .start_s = boot_s + (double)start_ticks / (double)sysconf(_SC_CLK_TCK),
        .resident_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE),
        .fds = count_fds(),
        .fds_max = limit.rlim_cur,
    };
    return 0;
}
