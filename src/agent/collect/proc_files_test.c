/* Files of processes that stay open, of trees of files and of real processes. */
#include "agent/collect/proc_files.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/collect/proc_host.h"
#include "agent/collect/proc_table.h"
#include "base/check_folder.h"

static int open_null(void) {
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    CHECK(fd >= 0);
    return fd;
}

static bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

static int found(struct proc_files *files, uint32_t pid) {
    const struct proc_kept *kept = proc_files_find(files, pid);

    CHECK(!kept || kept->pid == pid);
    return kept ? kept->fd : -1;
}

static void files_are_found_in_any_order(void) {
    static const uint32_t pids[] = { 50, 7, 4000000, 8, 51, 1 };
    struct proc_files *files = proc_files_new(100);
    int fds[6];

    for (size_t i = 0; i < 6; i++) {
        fds[i] = open_null();
        CHECK_INT(found(files, pids[i]), -1);
        proc_files_keep(files, pids[i], fds[i], false);
    }
    for (size_t a = 0; a < 6; a++) {
        for (size_t b = 0; b < 6; b++) {
            CHECK_INT(found(files, pids[a]), fds[a]);
            CHECK_INT(found(files, pids[b]), fds[b]);
            CHECK_INT(found(files, pids[b] + 3), -1);
        }
    }
    proc_files_drop(files, 8);
    proc_files_drop(files, 9);
    CHECK(!is_open(fds[3]));
    CHECK_INT(found(files, 8), -1);
    CHECK_INT(found(files, 50), fds[0]);
    CHECK_INT(proc_files_count(files), 5);
    proc_files_free(files);
    for (size_t i = 0; i < 6; i++)
        CHECK(!is_open(fds[i]));
}

static void files_that_nobody_asked_for_are_swept(void) {
    struct proc_files *files = proc_files_new(100);
    int fds[4];

    for (uint32_t i = 0; i < 4; i++) {
        fds[i] = open_null();
        proc_files_keep(files, 10 + i, fds[i], false);
    }
    proc_files_sweep(files);
    CHECK_INT(proc_files_count(files), 4);
    CHECK_INT(found(files, 11), fds[1]);
    CHECK_INT(found(files, 13), fds[3]);
    proc_files_sweep(files);
    CHECK_INT(proc_files_count(files), 2);
    CHECK(!is_open(fds[0]) && is_open(fds[1]) && !is_open(fds[2]) && is_open(fds[3]));
    CHECK_INT(found(files, 13), fds[3]);
    CHECK_INT(found(files, 11), fds[1]);
    proc_files_clear(files);
    CHECK_INT(proc_files_count(files), 0);
    CHECK(!is_open(fds[1]) && !is_open(fds[3]));
    proc_files_free(files);
}

static void there_is_room_for_so_many_and_no_more(void) {
    struct proc_files *files = proc_files_new(2), *none = proc_files_new(0);

    proc_files_keep(files, 1, open_null(), false);
    CHECK(proc_files_has_room(files));
    proc_files_keep(files, 3, open_null(), true);
    CHECK(!proc_files_has_room(files));
    CHECK(!proc_files_has_room(none));
    CHECK(!proc_files_has_room(NULL));
    CHECK(!proc_files_find(NULL, 2));
    proc_files_sweep(NULL);
    proc_files_clear(NULL);
    proc_files_free(files);
    proc_files_free(none);
    CHECK(!proc_files_free(NULL));
}

static void half_of_what_may_be_opened_is_for_others(void) {
    struct rlimit before, low;

    CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = 100;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &low), 0);
    CHECK_INT(proc_files_room(), 50);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
    CHECK(proc_files_room() <= PROC_FILES_MAX);
}

/* --- with a host --- */

static struct proc_host *open_host(const char *root) {
    struct proc_host *host = NULL;

    CHECK_INT(proc_host_open(root, &host), 0);
    proc_host_refresh(host);
    return host;
}

static void put(
    const char *root, unsigned pid, unsigned start, unsigned ticks, unsigned threads) {
    auto_(mem_freep) char *folder = mem_printf("%s/proc/%u", root, pid);
    auto_(mem_freep) char *stat =
        mem_printf("%u (x) S 1 0 0 0 -1 0 0 0 0 0 %u 0 0 0 20 0 %u 0 %u 0 9 0\n", pid,
                   ticks, threads, start);

    (void)!mkdir(folder, 0700);
    check_folder_put(folder, "stat", stat);
}

static pid_t start_child(void) {
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        pause();
        _exit(0);
    }
    return child;
}

static void end_child(pid_t child) {
    CHECK_INT(kill(child, SIGKILL), 0);
    CHECK_INT(waitpid(child, NULL, 0), child);
}

static bool has_row(const struct proc_host *host, pid_t pid) {
    struct proc_table *table = proc_table_take(host, NULL);
    bool has = proc_table_find(table, (uint32_t)pid) != NULL;

    proc_table_free(table);
    return has;
}

static void looks_keep_files_only_once_they_are_told_to(void) {
    struct proc_host *host = open_host("");

    CHECK(has_row(host, getpid()));
    CHECK(!host->files);
    proc_host_keep_files(host);
    CHECK(has_row(host, getpid()));
    CHECK(proc_files_count(host->files) > 1);
    pid_t child = start_child();
    CHECK(has_row(host, child));
    CHECK(found(host->files, (uint32_t)child) >= 0 ||
          proc_files_count(host->files) == proc_files_room());
    proc_host_free(host);
    end_child(child);
}

static void a_process_that_ended_is_gone_though_its_file_is_open(void) {
    struct proc_host *host = open_host("");
    struct proc_stat stat;
    pid_t child = start_child();

    proc_host_keep_files(host);
    CHECK(has_row(host, child));
    int fd = found(host->files, (uint32_t)child);
    CHECK_INT(kill(child, SIGKILL), 0);
    CHECK_INT(waitpid(child, NULL, 0), child);
    CHECK(!proc_host_stat(host, (uint32_t)child, &stat));
    CHECK(fd < 0 || !is_open(fd));
    CHECK(!has_row(host, child));
    child = start_child();
    CHECK(has_row(host, child));
    end_child(child);
    CHECK(!has_row(host, child)); /* swept without being read */
    CHECK_INT(found(host->files, (uint32_t)child), -1);
    proc_host_free(host);
}

/* An old file that says nothing stands for one whose process has ended. */
static void another_process_with_the_number_is_read_by_its_own_file(void) {
    char *root = check_folder_make();
    auto_(mem_freep) char *proc = file_join(root, "proc");
    auto_(mem_freep) char *file = file_join(proc, "700/stat");
    struct proc_stat stat;

    CHECK_INT(mkdir(proc, 0700), 0);
    put(root, 700, 11, 5, 1);
    struct proc_host *host = open_host(root);
    proc_host_keep_files(host);
    CHECK(proc_host_stat(host, 700, &stat));
    CHECK_INT(stat.start_ticks, 11);
    CHECK(found(host->files, 700) >= 0);
    CHECK_INT(truncate(file, 0), 0);
    put(root, 700, 12, 5, 1);
    CHECK(proc_host_stat(host, 700, &stat));
    CHECK_INT(stat.start_ticks, 12);
    CHECK_INT(proc_files_count(host->files), 1);
    proc_host_free(host);
    check_folder_remove(root);
}

static void put_runs(const char *root, const char *text) {
    auto_(mem_freep) char *file = file_join(root, "proc/700/schedstat");
    FILE *out = fopen(file, "r+e"); /* the file that is open elsewhere, too */

    if (!out)
        out = fopen(file, "we");
    CHECK(out);
    fputs(text, out);
    CHECK_INT(fclose(out), 0);
}

/* In the files of the tree the line changes, and whether it is read can be seen. */
static void the_line_of_who_has_not_run_is_not_read_again(void) {
    char *root = check_folder_make();
    auto_(mem_freep) char *proc = file_join(root, "proc");
    struct proc_stat stat;

    CHECK_INT(mkdir(proc, 0700), 0);
    put(root, 700, 11, 5, 1);
    put_runs(root, "100 5 1\n");
    struct proc_host *host = open_host(root);
    proc_host_keep_files(host);
    for (int i = 0; i < 2; i++) /* the first keeps, the second sees the runs */
        CHECK(proc_host_stat(host, 700, &stat));
    CHECK(proc_files_find(host->files, 700)->tells_runs);
    put(root, 700, 11, 6, 1);
    CHECK(proc_host_stat(host, 700, &stat));
    CHECK_INT(stat.user_ticks, 5);
    put_runs(root, "200 5 2\n");
    CHECK(proc_host_stat(host, 700, &stat));
    CHECK_INT(stat.user_ticks, 6);
    put(root, 700, 11, 7, 1);
    for (int i = 0; i < 16; i++) /* what others change is seen some time later */
        CHECK(proc_host_stat(host, 700, &stat));
    CHECK_INT(stat.user_ticks, 7);
    put(root, 700, 11, 8, 2); /* runs are of the first thread alone */
    put_runs(root, "300 5 3\n");
    CHECK(proc_host_stat(host, 700, &stat));
    CHECK_INT(stat.user_ticks, 8);
    CHECK(!proc_files_find(host->files, 700)->tells_runs);
    proc_host_free(host);
    check_folder_remove(root);
}

static void runs_that_are_not_counted_are_not_believed(void) {
    static const char *const texts[] = { "0 0 0\n", "100 5 0\n", "", "1\n" };

    for (size_t i = 0; i < 4; i++) {
        char *root = check_folder_make();
        auto_(mem_freep) char *proc = file_join(root, "proc");
        struct proc_stat stat;
        CHECK_INT(mkdir(proc, 0700), 0);
        put(root, 700, 11, 5, 1);
        put_runs(root, texts[i]);
        struct proc_host *host = open_host(root);
        proc_host_keep_files(host);
        CHECK(proc_host_stat(host, 700, &stat));
        CHECK(!proc_files_find(host->files, 700)->tells_runs);
        proc_host_free(host);
        check_folder_remove(root);
    }
}

static void a_process_that_runs_is_seen_to_run(void) {
    struct proc_host *host = open_host("");
    struct proc_stat stat;
    uint64_t ticks = 0;

    proc_host_keep_files(host);
    CHECK(proc_host_stat(host, (uint32_t)getpid(), &stat));
    uint64_t first = stat.user_ticks + stat.system_ticks;
    while (ticks < first + 3) { /* until the kernel has counted as much of us */
        CHECK(proc_host_stat(host, (uint32_t)getpid(), &stat));
        ticks = stat.user_ticks + stat.system_ticks;
    }
    proc_host_free(host);
}

static void kept_files_give_way_when_no_more_can_be_opened(void) {
    char *root = check_folder_make();
    auto_(mem_freep) char *proc = file_join(root, "proc");
    struct rlimit before, low;
    struct proc_stat stat;

    CHECK_INT(mkdir(proc, 0700), 0);
    put(root, 700, 11, 5, 1);
    put(root, 701, 12, 5, 1);
    struct proc_host *host = open_host(root);
    proc_host_keep_files(host);
    CHECK(proc_host_stat(host, 700, &stat));
    int next = open_null(); /* the lowest that is free */
    close(next);
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = (rlim_t)next;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &low), 0);
    CHECK(proc_host_stat(host, 701, &stat));
    CHECK_INT(stat.start_ticks, 12);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
    CHECK_INT(proc_files_count(host->files), 1);
    proc_host_free(host);
    check_folder_remove(root);
}

TESTS(TEST(files_are_found_in_any_order),
      TEST(files_that_nobody_asked_for_are_swept),
      TEST(there_is_room_for_so_many_and_no_more),
      TEST(half_of_what_may_be_opened_is_for_others),
      TEST(looks_keep_files_only_once_they_are_told_to),
      TEST(a_process_that_ended_is_gone_though_its_file_is_open),
      TEST(another_process_with_the_number_is_read_by_its_own_file),
      TEST(the_line_of_who_has_not_run_is_not_read_again),
      TEST(runs_that_are_not_counted_are_not_believed),
      TEST(a_process_that_runs_is_seen_to_run),
      TEST(kept_files_give_way_when_no_more_can_be_opened))
