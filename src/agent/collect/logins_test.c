#include "agent/collect/logins.h"

#include <string.h>
#include <sys/stat.h>
#include <utmp.h>

#include "base/check_folder.h"

/* A row as login(1) writes it. */
static struct utmp row(short type, int pid, const char *user, const char *from) {
    struct utmp entry = { .ut_type = type, .ut_pid = pid };

    entry.ut_tv.tv_sec = 1790000000;
    entry.ut_tv.tv_usec = 250000;
    memcpy(entry.ut_user, user, strnlen(user, sizeof(entry.ut_user)));
    memcpy(entry.ut_line, "pts/0", 5);
    memcpy(entry.ut_host, from, strnlen(from, sizeof(entry.ut_host)));
    return entry;
}

static char *make_tree(const struct utmp *rows, size_t len) {
    char *root = check_folder_make();
    char *path = mem_printf("%s/run", root);
    char *file = mem_printf("%s/utmp", path);
    char *alive = mem_printf("%s/proc/42", root);

    CHECK_INT(mkdir(path, 0700), 0);
    CHECK_INT(file_make_dirs(alive, 0700), 0);
    CHECK_INT(file_write_atomic(file, slice_of(rows, len), 0600), 0);
    free(path);
    free(file);
    free(alive);
    return root;
}

static void who_is_logged_in_is_read_and_who_has_gone_is_not(void) {
    const char *longest = "a-name-that-fills-all-the-room-it";
    struct utmp rows[] = {
        row(BOOT_TIME, 0, "reboot", "6.1"),    row(USER_PROCESS, 42, "ada", "192.0.2.7"),
        row(USER_PROCESS, 43, "gone", ""),     row(DEAD_PROCESS, 42, "left", ""),
        row(USER_PROCESS, 42, "", ""),         row(USER_PROCESS, 42, longest, ""),
        row(USER_PROCESS, -1, "negative", ""),
    };
    char *root = make_tree(rows, sizeof(rows));
    struct logins logins;

    logins_read(&logins, root);
    CHECK_INT(logins.count, 2);
    CHECK_TEXT(logins.items[0].user, "ada");
    CHECK_TEXT(logins.items[0].terminal, "pts/0");
    CHECK_TEXT(logins.items[0].from, "192.0.2.7");
    CHECK_INT(logins.items[0].pid, 42);
    CHECK_INT(logins.items[0].since_ms, 1790000000250);
    CHECK_INT(strlen(logins.items[1].user), 32);
    logins_done(&logins);
    check_folder_remove(root);
}

static void a_file_that_is_cut_gives_its_whole_rows(void) {
    struct utmp rows[] = { row(USER_PROCESS, 42, "ada", ""),
                           row(USER_PROCESS, 42, "bob", "") };
    struct logins logins;

    for (size_t len = 0; len <= sizeof(rows); len += 61) {
        char *root = make_tree(rows, len);
        logins_read(&logins, root);
        CHECK_INT(logins.count, len / sizeof(rows[0]));
        logins_done(&logins);
        check_folder_remove(root);
    }
    logins_read(&logins, "/nowhere");
    CHECK_INT(logins.count, 0);
    logins_done(&logins);
}

TESTS(TEST(who_is_logged_in_is_read_and_who_has_gone_is_not),
      TEST(a_file_that_is_cut_gives_its_whole_rows))
