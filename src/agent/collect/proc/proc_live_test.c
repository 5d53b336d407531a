/* Looks at real processes: what one does is seen by the next look, and who rests is not
 * read again. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/collect/proc/proc_host.h"
#include "agent/collect/proc/proc_table.h"
#include "base/check_folder.h"

/* A process that does one thing when it is told to, and says when it is done. */
struct child {
    pid_t pid;
    int tell;
    int told;
};

static void wait_for_byte(int fd) {
    char byte;

    while (read(fd, &byte, 1) < 0 && errno == EINTR)
        ;
}

static struct child start(void (*deed)(int told)) {
    int tell[2], told[2];

    CHECK_INT(pipe2(tell, O_CLOEXEC), 0);
    CHECK_INT(pipe2(told, O_CLOEXEC), 0);
    struct child child = { .pid = fork(), .tell = tell[1], .told = told[0] };
    CHECK(child.pid >= 0);
    if (child.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        wait_for_byte(tell[0]);
        deed(told[1]);
        (void)!write(told[1], "", 1);
        for (;;)
            pause();
    }
    close(tell[0]);
    close(told[1]);
    return child;
}

static void let_it(const struct child *child) {
    CHECK_INT(write(child->tell, "", 1), 1);
    wait_for_byte(child->told);
}

static void end(const struct child *child) {
    CHECK_INT(kill(child->pid, SIGKILL), 0);
    CHECK_INT(waitpid(child->pid, NULL, 0), child->pid);
    close(child->tell);
    close(child->told);
}

static struct proc_host *open_host(const char *root) {
    struct proc_host *host = NULL;

    CHECK_INT(proc_host_open(root, &host), 0);
    proc_host_refresh(host);
    return host;
}

/* Looks until the process is one that was taken over: it rests. */
static struct proc_table *look_until_it_rests(const struct proc_host *host, pid_t pid) {
    struct proc_table *table = proc_table_take(host, NULL, NULL);

    for (;;) {
        struct proc_table *next = proc_table_take(host, table, table);
        const struct proc_row *row = proc_table_find(next, (uint32_t)pid);
        proc_table_free(table);
        table = next;
        CHECK(row);
        if (row->state == 'S' && row->read_ns < table->taken_ns)
            return table;
    }
}

static struct proc_table *look_again(const struct proc_host *host,
                                     struct proc_table *before) {
    struct proc_table *table = proc_table_take(host, before, before);

    proc_table_free(before);
    return table;
}

static bool was_read(const struct proc_table *table, pid_t pid) {
    const struct proc_row *row = proc_table_find(table, (uint32_t)pid);
    return row && row->read_ns == table->taken_ns;
}

static void nothing(int told) {
    (void)told;
}

static void who_rests_is_taken_over_with_all_that_was_known(void) {
    struct proc_host *host = open_host("");
    struct child child = start(nothing);
    char line[PROC_HOST_LINE_MAX];

    CHECK(host->has_clocks);
    let_it(&child);
    struct proc_table *table = look_until_it_rests(host, child.pid);
    struct proc_row *row = proc_table_find(table, (uint32_t)child.pid);
    CHECK_INT(proc_table_uid(host, row), getuid());
    const char *first = proc_table_line(host, table, row, line);
    CHECK(first != line && strstr(first, "proc_live_test"));
    auto_(mem_freep) char *copy = mem_strdup(first);
    const struct proc_row then = *row;
    table = look_again(host, table);
    row = proc_table_find(table, (uint32_t)child.pid);
    CHECK_INT(row->read_ns, then.read_ns);
    CHECK_INT(row->start_ticks, then.start_ticks);
    CHECK_INT(row->parent, getpid());
    CHECK_INT(row->recent_ticks, 0);
    CHECK(row->has_uid && row->uid == getuid());
    CHECK_TEXT(row->line, copy);
    CHECK_INT(table->line_bytes, strlen(copy) + 1);
    CHECK_TEXT(row->name, "proc_live_test");
    proc_table_free(table);
    proc_host_free(host);
    end(&child);
}

static void rename_it(int told) {
    (void)told;
    prctl(PR_SET_NAME, "another");
}

/* Used up by a thread, while the first one rests. */
static void *burn(void *arg) {
    struct timespec used = { 0 };

    while (used.tv_sec == 0 && used.tv_nsec < 50000000)
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return arg;
}

static void burn_in_a_thread(int told) {
    pthread_t thread;

    (void)told;
    if (pthread_create(&thread, NULL, burn, NULL) == 0)
        pthread_join(thread, NULL);
}

static void what_it_does_is_seen_by_the_next_look(void) {
    struct proc_host *host = open_host("");
    struct child named = start(rename_it), busy = start(burn_in_a_thread);
    struct proc_table *table = look_until_it_rests(host, named.pid);

    proc_table_free(table);
    table = look_until_it_rests(host, busy.pid);
    let_it(&named);
    let_it(&busy);
    table = look_again(host, table);
    CHECK(was_read(table, named.pid) && was_read(table, busy.pid));
    CHECK_TEXT(proc_table_find(table, (uint32_t)named.pid)->name, "another");
    CHECK(proc_table_find(table, (uint32_t)busy.pid)->recent_ticks >= 3);
    proc_table_free(table);
    proc_host_free(host);
    end(&named);
    end(&busy);
}

static char state_of(const struct proc_table *table, pid_t pid) {
    const struct proc_row *row = proc_table_find(table, (uint32_t)pid);
    return row ? row->state : '-';
}

static void what_is_done_to_it_is_seen_by_the_next_look(void) {
    struct proc_host *host = open_host("");
    struct child child = start(nothing);
    struct proc_table *table = look_until_it_rests(host, child.pid);
    siginfo_t info;

    CHECK_INT(kill(child.pid, SIGSTOP), 0);
    CHECK_INT(waitpid(child.pid, NULL, WUNTRACED), child.pid);
    table = look_again(host, table);
    CHECK_INT(state_of(table, child.pid), 'T');
    CHECK_INT(kill(child.pid, SIGCONT), 0);
    CHECK_INT(waitpid(child.pid, NULL, WCONTINUED), child.pid);
    proc_table_free(table);
    table = look_until_it_rests(host, child.pid);
    CHECK_INT(kill(child.pid, SIGTERM), 0);
    CHECK_INT(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
    table = look_again(host, table);
    CHECK_INT(state_of(table, child.pid), 'Z');
    CHECK_INT(waitpid(child.pid, NULL, 0), child.pid);
    table = look_again(host, table);
    CHECK_INT(state_of(table, child.pid), '-');
    proc_table_free(table);
    proc_host_free(host);
    close(child.tell);
    close(child.told);
}

static void have_a_child(int told) {
    pid_t pid = fork();

    if (pid > 0)
        (void)!write(told, &pid, sizeof(pid));
    else
        pause();
}

/* An orphan has not run, and has another parent all the same. */
static void who_has_lost_his_parent_has_another(void) {
    struct proc_host *host = open_host("");
    struct child child = start(have_a_child);
    pid_t pid;

    CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    CHECK_INT(write(child.tell, "", 1), 1);
    CHECK_INT(read(child.told, &pid, sizeof(pid)), sizeof(pid));
    wait_for_byte(child.told);
    struct proc_table *table = look_until_it_rests(host, pid);
    CHECK_INT(proc_table_find(table, (uint32_t)pid)->parent, child.pid);
    end(&child);
    table = look_again(host, table);
    CHECK(!was_read(table, pid));
    CHECK_INT(proc_table_find(table, (uint32_t)pid)->parent, getpid());
    proc_table_free(table);
    proc_host_free(host);
    CHECK_INT(kill(pid, SIGKILL), 0);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
}

static void an_old_row_and_one_of_another_process_are_not_believed(void) {
    struct proc_host *host = open_host("");
    struct child child = start(nothing);
    struct proc_table *table = look_until_it_rests(host, child.pid);
    struct proc_row *row = proc_table_find(table, (uint32_t)child.pid);
    uint64_t start_ticks = row->start_ticks;

    row->read_ns -= (uint64_t)PROC_TABLE_AGE_S * 1000000000;
    row->rss_pages = 0;
    table = look_again(host, table);
    CHECK(was_read(table, child.pid));
    row = proc_table_find(table, (uint32_t)child.pid);
    CHECK(row->rss_pages > 0);
    row->ran_ns--; /* the number was another's */
    row->start_ticks--;
    row->user_ticks = 1000000;
    table = look_again(host, table);
    CHECK(was_read(table, child.pid));
    row = proc_table_find(table, (uint32_t)child.pid);
    CHECK_INT(row->start_ticks, start_ticks);
    CHECK(row->recent_ticks < 1000000);
    proc_table_free(table);
    proc_host_free(host);
    end(&child);
}

/* What a list needs is taken over, though no use is counted from that look. */
static void use_is_counted_from_the_look_before_alone(void) {
    struct proc_host *host = open_host("");
    struct child child = start(burn_in_a_thread);
    struct proc_table *before = look_until_it_rests(host, child.pid);

    let_it(&child);
    struct proc_table *between = look_until_it_rests(host, child.pid);
    struct proc_table *alone = proc_table_take(host, NULL, between);
    struct proc_table *both = proc_table_take(host, before, between);
    CHECK(!was_read(alone, child.pid) && !was_read(both, child.pid));
    CHECK_INT(alone->between_ns, 0);
    CHECK_INT(proc_table_find(alone, (uint32_t)child.pid)->recent_ticks, 0);
    CHECK(proc_table_find(both, (uint32_t)child.pid)->recent_ticks >= 3);
    CHECK(both->between_ns > between->taken_ns - before->taken_ns);
    proc_table_free(both);
    proc_table_free(alone);
    proc_table_free(between);
    proc_table_free(before);
    proc_host_free(host);
    end(&child);
}

/* A /proc of another PID namespace may know us by the same number. */
static void clocks_are_asked_only_where_numbers_are_ours(void) {
    static const struct {
        const char *behind; /* our own number */
        bool has_clocks;
    } rows[] = { { "\n", true }, { "\t7\n", false }, { "1\n", false }, { "", false } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *root = check_folder_make();
        auto_(mem_freep) char *us = mem_printf("%d", getpid());
        auto_(mem_freep) char *folder = mem_printf("%s/proc/%s", root, us);
        auto_(mem_freep) char *proc = file_join(root, "proc");
        auto_(mem_freep) char *self = file_join(proc, "self");
        auto_(mem_freep) char *status =
            mem_printf("Name:\tx\nNSpid:\t%s%s", us, rows[i].behind);
        CHECK_INT(mkdir(proc, 0700), 0);
        CHECK_INT(mkdir(folder, 0700), 0);
        CHECK_INT(symlink(us, self), 0);
        check_folder_put(folder, "status", status);
        struct proc_host *host = open_host(root);
        CHECK_INT(host->has_clocks, rows[i].has_clocks);
        CHECK(rows[i].has_clocks || proc_host_clock(host, host->self) == 0);
        proc_host_free(host);
        check_folder_remove(root);
    }
}

static void lines_are_kept_up_to_a_limit(void) {
    struct proc_host *host = open_host("");
    struct proc_table *table = proc_table_take(host, NULL, NULL);
    struct proc_row *row = proc_table_find(table, (uint32_t)getpid());
    char line[PROC_HOST_LINE_MAX];

    table->line_bytes = PROC_TABLE_LINES_MAX - 1;
    CHECK(proc_table_line(host, table, row, line) == line);
    CHECK(strstr(line, "proc_live_test") && !row->line);
    table->line_bytes = 0;
    CHECK(proc_table_line(host, table, row, line) == row->line);
    CHECK_TEXT(row->line, line);
    CHECK_INT(table->line_bytes, strlen(line) + 1);
    proc_table_free(table);
    proc_host_free(host);
}

TESTS(TEST(who_rests_is_taken_over_with_all_that_was_known),
      TEST(what_it_does_is_seen_by_the_next_look),
      TEST(what_is_done_to_it_is_seen_by_the_next_look),
      TEST(who_has_lost_his_parent_has_another),
      TEST(an_old_row_and_one_of_another_process_are_not_believed),
      TEST(use_is_counted_from_the_look_before_alone),
      TEST(clocks_are_asked_only_where_numbers_are_ours),
      TEST(lines_are_kept_up_to_a_limit))
