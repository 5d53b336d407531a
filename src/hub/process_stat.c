#include "hub/process_stat.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
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

/* Fields 22 and 24 of /proc/self/stat; the name before them may hold anything. */
static int parse(const char *text, uint64_t *ret_start_ticks, uint64_t *ret_pages) {
    unsigned long long start, pages;
    const char *rest = strrchr(text, ')');

    if (!rest || sscanf(rest + 1,
                        " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
                        "%*d %*d %*d %*d %llu %*u %llu",
                        &start, &pages) != 2)
        return -EINVAL;
    *ret_start_ticks = start;
    *ret_pages = pages;
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
