/* Looks at trees of files that stand for /proc. */
#include "agent/collect/proc/proc_table.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/collect/proc/proc_detail.h"
#include "agent/collect/proc/proc_host.h"
#include "agent/collect/proc/proc_order.h"
#include "agent/collect/proc/proc_rules.h"
#include "agent/collect/proc/proc_users.h"
#include "base/check_folder.h"

enum { KERNEL_THREAD = 0x200000 };

/* One process of a tree. */
struct made {
    unsigned pid;
    unsigned parent;
    const char *name;
    const char *line; /* the command line; NULL: none */
    unsigned ticks;
    unsigned start;
    unsigned pages;
    unsigned flags;
};

static const struct made few[] = {
    { 1, 0, "systemd", "/sbin/init", 40, 2, 900, 0 },
    { 2, 0, "kthreadd", NULL, 9, 2, 0, KERNEL_THREAD },
    { 30, 2, "kworker/0:1-events", NULL, 5, 3, 0, KERNEL_THREAD },
    { 400, 1, "nginx", "nginx: master", 10, 500, 300, 0 },
    { 401, 400, "nginx", "nginx: worker", 70, 501, 400, 0 },
    { 402, 400, "nginx", "nginx: worker", 60, 502, 500, 0 },
    { 77, 1, "systemd-journal", "/lib/systemd/systemd-journald", 20, 90, 100, 0 },
    { 5000, 401, "a) b (c", "x", 1, 9000, 10, 0 },
};

static char *make_tree(void) {
    char *root = check_folder_make();
    auto_(mem_freep) char *proc = file_join(root, "proc");
    auto_(mem_freep) char *etc = file_join(root, "etc");

    CHECK_INT(mkdir(proc, 0700), 0);
    CHECK_INT(mkdir(etc, 0700), 0);
    check_folder_put(root, "proc/stat",
                     "cpu  1 2 3\ncpu0 1 2\ncpu1 1 2\nbtime 1700000000\n");
    return root;
}

static void put(const char *root, const struct made *one) {
    auto_(mem_freep) char *folder = mem_printf("%s/proc/%u", root, one->pid);
    auto_(mem_freep) char *stat = mem_printf(
        "%u (%s) S %u 0 0 0 -1 %u 0 0 0 0 %u 0 0 0 20 0 1 0 %u 0 %u 0\n", one->pid,
        one->name, one->parent, one->flags, one->ticks, one->start, one->pages);

    (void)!mkdir(folder, 0700);
    check_folder_put(folder, "stat", stat);
    if (one->line)
        check_folder_put(folder, "cmdline", one->line);
}

static char *make_few(void) {
    char *root = make_tree();

    for (size_t i = 0; i < sizeof(few) / sizeof(few[0]); i++)
        put(root, &few[i]);
    return root;
}

static struct proc_host *open_host(const char *root) {
    struct proc_host *host = NULL;

    CHECK_INT(proc_host_open(root, &host), 0);
    proc_host_refresh(host);
    return host;
}

/* The numbers of rows as a text. */
static const char *numbers(struct proc_row *const *rows, size_t count, char text[512]) {
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        len +=
            (size_t)snprintf(text + len, 512 - len, "%s%u", i ? " " : "", rows[i]->pid);
    return text;
}

static void a_look_finds_all_in_the_order_of_their_numbers(void) {
    char *root = make_few();
    struct proc_host *host = open_host(root);
    struct proc_table *table = proc_table_take(host, NULL, NULL);

    CHECK_INT(host->cpus, 2);
    CHECK_INT(host->booted_ms, 1700000000000);
    CHECK_INT(host->self, 0);
    CHECK_INT(table->count, 8);
    CHECK_INT(table->between_ns, 0);
    for (size_t i = 1; i < table->count; i++)
        CHECK(table->rows[i - 1].pid < table->rows[i].pid);
    CHECK_TEXT(proc_table_find(table, 5000)->name, "a) b (c");
    CHECK_TEXT(proc_table_find(table, 30)->name, "kworker/0:1-events");
    CHECK(!proc_table_find(table, 31));
    proc_table_free(table);
    proc_host_free(host);
    check_folder_remove(root);
}

static void a_name_that_was_cut_is_completed(void) {
    static const struct made others[] = {
        { 600, 1, "exactly-fifteen", "/usr/bin/something-else", 0, 1, 1, 0 },
        { 601, 1, "exactly-fifteen", "", 0, 1, 1, 0 },
        { 602, 1, "exactly-fifteen", "exactly-fifteen-and-more", 0, 1, 1, 0 },
    };
    char *root = make_few();

    for (size_t i = 0; i < 3; i++)
        put(root, &others[i]);
    struct proc_host *host = open_host(root);
    struct proc_table *table = proc_table_take(host, NULL, NULL);
    struct proc_table *next = proc_table_take(host, table, table);

    for (struct proc_table *at = table; at; at = at == table ? next : NULL) {
        CHECK_TEXT(proc_table_find(at, 77)->name, "systemd-journald");
        CHECK_TEXT(proc_table_find(at, 600)->name, "exactly-fifteen");
        CHECK_TEXT(proc_table_find(at, 601)->name, "exactly-fifteen");
        CHECK_TEXT(proc_table_find(at, 602)->name, "exactly-fifteen-and-more");
    }
    proc_table_free(next);
    proc_table_free(table);
    proc_host_free(host);
    check_folder_remove(root);
}

static void what_was_used_since_the_look_before_is_told(void) {
    char *root = make_few();
    struct proc_host *host = open_host(root);
    struct proc_table *before = proc_table_take(host, NULL, NULL);
    struct made busy = few[4], other = few[5], young = few[7];

    busy.ticks += 7;
    other.start += 1; /* another process of that number */
    young.pid = 6000;
    put(root, &busy);
    put(root, &other);
    put(root, &young);
    struct proc_table *table = proc_table_take(host, before, before);
    CHECK(table->between_ns > 0);
    CHECK_INT(proc_table_find(table, 401)->recent_ticks, 7);
    CHECK_INT(proc_table_find(table, 402)->recent_ticks, 60);
    CHECK_INT(proc_table_find(table, 6000)->recent_ticks, 1);
    CHECK_INT(proc_table_find(table, 400)->recent_ticks, 0);
    struct proc_table *one = proc_table_take_one(host, 401, before);
    CHECK_INT(one->count, 1);
    CHECK_INT(one->rows[0].recent_ticks, 7);
    proc_table_free(one);
    proc_table_free(table);
    proc_table_free(before);
    proc_host_free(host);
    check_folder_remove(root);
}

static void who_vanishes_meanwhile_is_left_out(void) {
    char *root = make_few();
    auto_(mem_freep) char *gone = file_join(root, "proc/400/stat");
    auto_(mem_freep) char *folder = file_join(root, "proc/123");
    struct proc_host *host = open_host(root);

    CHECK_INT(unlink(gone), 0);                  /* ended between the list and the open */
    CHECK_INT(mkdir(folder, 0), 0);              /* not ours to read, or nothing there */
    check_folder_put(root, "proc/401/stat", ""); /* ended between open and read */
    struct proc_table *table = proc_table_take(host, NULL, NULL);
    CHECK_INT(table->count, 6);
    CHECK(!proc_table_find(table, 400) && !proc_table_find(table, 401));
    struct proc_table *one = proc_table_take_one(host, 400, NULL);
    CHECK_INT(one->count, 0);
    CHECK(!proc_table_find(one, 400));
    proc_table_free(one);
    proc_table_free(table);
    proc_host_free(host);
    check_folder_remove(root);
}

static void rows_are_chosen_and_sorted(void) {
    static const struct {
        struct proc_question question;
        const char *numbers;
    } rows[] = {
        { { .filter = "" }, "1 77 400 401 402 5000" },
        { { .filter = "", .kernel_threads = true }, "1 2 30 77 400 401 402 5000" },
        { { .filter = "", .reverse = true }, "5000 402 401 400 77 1" },
        { { .filter = "NGI" }, "400 401 402" },
        { { .filter = "n*x" }, "400 401 402" },
        { { .filter = "ngin" }, "400 401 402" },
        { { .filter = "ngi?" }, "" },
        { { .filter = "worker" }, "" },
        { { .filter = "worker", .command_lines = true }, "401 402" },
        { { .filter = "*worker", .command_lines = true, .kernel_threads = true },
          "401 402" },
        { { .filter = "", .sort = PROC_SORT_MEMORY }, "1 402 401 400 77 5000" },
        { { .filter = "", .sort = PROC_SORT_TIME }, "401 402 1 77 400 5000" },
        { { .filter = "", .sort = PROC_SORT_NAME }, "5000 400 401 402 1 77" },
        { { .filter = "", .sort = PROC_SORT_STARTED }, "1 77 400 401 402 5000" },
        { { .filter = "", .tree = true }, "1 77 400 401 5000 402" },
        { { .filter = "", .tree = true, .sort = PROC_SORT_MEMORY },
          "1 400 402 401 5000 77" },
        { { .filter = "[(a]*" }, "5000" },
    };
    char *root = make_few();
    struct proc_host *host = open_host(root);
    struct proc_table *table = proc_table_take(host, NULL, NULL);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct proc_row **found;
        char text[512];
        size_t count = proc_order_rows(host, table, &rows[i].question, &found);
        CHECK_TEXT(numbers(found, count, text), rows[i].numbers);
        free(found);
    }
    proc_table_free(table);
    proc_host_free(host);
    check_folder_remove(root);
}

static void a_tree_has_depths_also_without_some_parents(void) {
    struct proc_question question = { .filter = "", .tree = true };
    char *root = make_few();
    struct proc_host *host = open_host(root);
    struct proc_table *table = proc_table_take(host, NULL, NULL);
    struct proc_row **rows;

    CHECK_INT(proc_order_rows(host, table, &question, &rows), 6);
    CHECK_INT(rows[0]->depth, 0); /* 1 */
    CHECK_INT(rows[2]->depth, 1); /* 400 */
    CHECK_INT(rows[4]->depth, 3); /* 5000 */
    CHECK_INT(rows[5]->depth, 2); /* 402 */
    free(rows);
    question.filter = "*[!x]"; /* none of the name nginx: 5000 moves up */
    CHECK_INT(proc_order_rows(host, table, &question, &rows), 3);
    CHECK_INT(rows[2]->pid, 5000);
    CHECK_INT(rows[2]->depth, 1);
    free(rows);
    proc_table_free(table);
    proc_host_free(host);
    check_folder_remove(root);
}

static void circles_and_deep_chains_end(void) {
    static const struct made circle[] = {
        { 10, 11, "a", NULL, 0, 5, 1, 0 },
        { 11, 12, "b", NULL, 0, 5, 1, 0 },
        { 12, 10, "c", NULL, 0, 5, 1, 0 },
        { 13, 13, "d", NULL, 0, 5, 1, 0 },
        { 14, 15, "old", NULL, 0, 5, 1, 0 },
        { 15, 1, "young", NULL, 0, 6, 1, 0 }, /* took its parent's number */
    };
    const struct proc_question question = { .filter = "", .tree = true };
    char *root = make_tree();

    for (size_t i = 0; i < sizeof(circle) / sizeof(circle[0]); i++)
        put(root, &circle[i]);
    for (unsigned pid = 100; pid < 600; pid++)
        put(root, &(struct made) { pid, pid - 1, "chain", NULL, 0, pid, 1, 0 });
    struct proc_host *host = open_host(root);
    struct proc_table *table = proc_table_take(host, NULL, NULL);
    struct proc_row **rows;
    CHECK_INT(proc_order_rows(host, table, &question, &rows), 506);
    CHECK_INT(proc_table_find(table, 599)->depth, 499);
    CHECK_INT(proc_table_find(table, 13)->depth, 0);
    CHECK_INT(proc_table_find(table, 14)->depth, 0);
    free(rows);
    proc_table_free(table);
    proc_host_free(host);
    check_folder_remove(root);
}

static void users_come_from_the_tree(void) {
    char *root = make_tree();
    uint32_t uid = 7;

    check_folder_put(
        root, "etc/passwd",
        "root:x:0:0::/:/bin/sh\nada:x:1000:1000:Ada:/:/bin/sh\n"
        "twin:x:1000:1:::\n:x:5::\nbad:x:-1:\nno\n#c:x:6:\nbig:x:99999999999:\n");
    struct proc_users *users = proc_users_new(root);
    proc_users_refresh(users);
    CHECK_TEXT(proc_users_name(users, 0), "root");
    CHECK_TEXT(proc_users_name(users, 1000), "ada");
    CHECK_TEXT(proc_users_name(users, 5), "5");
    CHECK_TEXT(proc_users_name(users, 4294967294u), "4294967294");
    CHECK(proc_users_find(users, "ada", &uid) && uid == 1000);
    CHECK(proc_users_find(users, "12", &uid) && uid == 12);
    CHECK(!proc_users_find(users, "bad", &uid) && uid == 12);
    check_folder_put(root, "etc/passwd", "eve:x:1000:1000::/:/bin/sh\n");
    proc_users_refresh(users);
    CHECK_TEXT(proc_users_name(users, 1000), "eve");
    proc_users_free(users);
    check_folder_remove(root);
}

static void details_are_read_and_what_is_not_there_is_absent(void) {
    char *root = make_few();
    struct proc_detail detail;

    check_folder_put(
        root, "proc/400/cgroup",
        "4:memory:/other\n1:name=systemd:/system.slice/nginx.service\n0::/x\n");
    check_folder_put(root, "proc/400/status",
                     "Name:\tnginx\nVmRSS: 1 kB\nVmSwap:\t 12 kB\n");
    check_folder_put(root, "proc/400/smaps_rollup",
                     "0-f ---p\nRss: 9 kB\nPss:    7 kB\n");
    check_folder_put(root, "proc/400/io",
                     "rchar: 1\nread_bytes: 4096\nwrite_bytes: 8192\n");
    struct proc_host *host = open_host(root);
    struct proc_table *table = proc_table_take(host, NULL, NULL);

    proc_detail_read(host, proc_table_find(table, 400), &detail);
    CHECK_TEXT(detail.cgroup, "/system.slice/nginx.service");
    CHECK_TEXT(detail.unit, "nginx.service");
    CHECK_TEXT(detail.command_line, "nginx: master");
    CHECK(detail.has_swap && detail.swap_bytes == 12288);
    CHECK(detail.has_pss && detail.pss_bytes == 7168);
    CHECK(detail.has_io && detail.read_bytes == 4096 && detail.write_bytes == 8192);
    CHECK(!detail.has_open_files);
    CHECK_TEXT(detail.executable, "");
    proc_detail_done(&detail);
    proc_detail_read(host, proc_table_find(table, 2), &detail);
    CHECK(!detail.has_swap && !detail.has_pss && !detail.has_io);
    CHECK_TEXT(detail.unit, "");
    CHECK_TEXT(detail.command_line, "");
    proc_detail_done(&detail);
    proc_table_free(table);
    proc_host_free(host);
    check_folder_remove(root);
}

static void units_and_terminals_are_named(void) {
    static const struct {
        const char *cgroup;
        const char *unit;
    } units[] = {
        { "/system.slice/nginx.service", "nginx.service" },
        { "/user.slice/user-1.slice/user@1.service/app.slice/a.service/b", "a.service" },
        { "/user.slice/user-1.slice/session-2.scope", "session-2.scope" },
        { "/", NULL },
        { "", NULL },
        { "/.service/x", NULL },
    };
    static const struct {
        int32_t number;
        const char *name;
    } terminals[] = {
        { 0, "" },
        { 0x8803, "pts/3" },
        { 0x108800 + 1, "pts/257" },
        { 0x8901, "pts/257" },
        { 0x401, "tty1" },
        { 0x440, "ttyS0" },
        { -1, "4095:1048575" },
    };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        const char *unit;
        size_t len;
        bool found = proc_detail_unit(units[i].cgroup, &unit, &len);
        CHECK(found == (units[i].unit != NULL));
        if (found)
            CHECK(len == strlen(units[i].unit) && memcmp(unit, units[i].unit, len) == 0);
    }
    for (size_t i = 0; i < sizeof(terminals) / sizeof(terminals[0]); i++) {
        char name[32];
        proc_detail_terminal(terminals[i].number, name);
        CHECK_TEXT(name, terminals[i].name);
    }
}

static void texts_become_utf_8_without_controls(void) {
    static const struct {
        const char *bytes;
        size_t len;
        const char *text;
    } rows[] = {
        { "plain", 5, "plain" },
        { "", 0, "" },
        { "a\0b\nc\x1b[", 7, "a b c [" },
        { "\xc3\xa4", 2, "\xc3\xa4" },
        { "\xff\xc3", 2, "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xc2\x9b"
          "x",
          3, " x" },
    };
    struct proc_strings strings = { 0 };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_TEXT(proc_strings_add(&strings, rows[i].bytes, rows[i].len), rows[i].text);
    auto_(mem_freep) char *large = mem_grow(NULL, 100000);
    memset(large, 0xff, 100000);
    CHECK_INT(strlen(proc_strings_add(&strings, large, 100000)), 300000);
    CHECK_TEXT(proc_strings_add(&strings, "behind", 6), "behind");
    proc_strings_done(&strings);
}

static void we_and_our_parents_are_safe_on_this_host(void) {
    struct proc_host *host = open_host("");
    struct proc_rules rules;

    CHECK_INT(host->self, getpid());
    proc_rules_read(host, &rules);
    struct proc_row self = { .pid = (uint32_t)getpid(), .name = "x" };
    struct proc_row parent = { .pid = (uint32_t)getppid(), .name = "x" };
    struct proc_row first = { .pid = 1, .name = "init" };
    struct proc_row thread = { .pid = 9, .name = "k", .is_kernel_thread = true };
    struct proc_row bus = { .pid = 4000000, .name = "dbus-daemon" };
    struct proc_row other = { .pid = 4000000, .name = "dbus-daemon2" };
    CHECK_TEXT(proc_rules_unsafe(&rules, &self), "it is the agent itself");
    CHECK(proc_rules_unsafe(&rules, &parent));
    CHECK_TEXT(proc_rules_unsafe(&rules, &first), "it is process 1");
    CHECK_TEXT(proc_rules_unsafe(&rules, &thread), "it is a thread of the kernel");
    CHECK_TEXT(proc_rules_unsafe(&rules, &bus), "it is a message bus");
    CHECK(!proc_rules_unsafe(&rules, &other));
    CHECK(proc_rules_never(&first) && proc_rules_never(&thread));
    CHECK(!proc_rules_never(&bus) && !proc_rules_never(&self));
    proc_host_free(host);
}

TESTS(TEST(a_look_finds_all_in_the_order_of_their_numbers),
      TEST(a_name_that_was_cut_is_completed),
      TEST(what_was_used_since_the_look_before_is_told),
      TEST(who_vanishes_meanwhile_is_left_out),
      TEST(rows_are_chosen_and_sorted),
      TEST(a_tree_has_depths_also_without_some_parents),
      TEST(circles_and_deep_chains_end),
      TEST(users_come_from_the_tree),
      TEST(details_are_read_and_what_is_not_there_is_absent),
      TEST(units_and_terminals_are_named),
      TEST(texts_become_utf_8_without_controls),
      TEST(we_and_our_parents_are_safe_on_this_host))
