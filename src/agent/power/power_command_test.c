#include "agent/power/power_command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/check_folder.h"

/* A command that notes its words in `said` beside it and ends with the status. */
static void make_command(const char *name, int status) {
    auto_(mem_freep) char *text = mem_printf(
        "#!/bin/sh\necho %s \"$@\" >> ${0%%/*}/../said\nexit %d\n", name, status);
    auto_(mem_freep) char *path = mem_printf("bin/%s", name);

    CHECK_INT(file_write_atomic(path, slice_of_text(text), 0700), 0);
}

static void check_said(const char *wanted) {
    struct buf said = { 0 };

    file_read("said", 4096, &said);
    CHECK_TEXT(buf_text(&said), wanted);
    buf_done(&said);
    unlink("said");
}

static void commands_are_tried_until_one_ends_well(void) {
    char *folder = check_folder_enter();
    auto_(mem_freep) char *places = mem_printf("%s/none:%s/bin", folder, folder);

    CHECK_INT(mkdir("bin", 0700), 0);
    CHECK_INT(power_command_find(places, POWER_REBOOT), -ENOENT);
    CHECK_INT(power_command_run(places, POWER_REBOOT), -ENOENT);

    make_command("reboot", 0);
    CHECK_INT(power_command_find(places, POWER_REBOOT), 0);
    CHECK_INT(power_command_find(places, POWER_OFF), -ENOENT);
    CHECK_INT(power_command_run(places, POWER_REBOOT), 0);
    check_said("reboot\n");

    make_command("systemctl", 1);
    make_command("shutdown", 0);
    CHECK_INT(power_command_run(places, POWER_REBOOT), 0);
    check_said("systemctl reboot\nshutdown -r now\n");
    CHECK_INT(power_command_run(places, POWER_OFF), 0);
    check_said("systemctl poweroff\nshutdown -P now\n");

    make_command("shutdown", 3);
    CHECK_INT(power_command_run(places, POWER_OFF), -EPERM);
    check_said("systemctl poweroff\nshutdown -P now\n");
    check_folder_leave(folder);
}

static void no_shell_reads_the_message(void) {
    char *folder = check_folder_enter();
    auto_(mem_freep) char *places = mem_printf("%s/bin", folder);

    CHECK_INT(mkdir("bin", 0700), 0);
    power_command_tell(places, "nobody");
    make_command("wall", 0);
    power_command_tell(places, "; touch gone; $(touch gone) `touch gone` --help");
    check_said("wall -- ; touch gone; $(touch gone) `touch gone` --help\n");
    CHECK(!file_exists("gone"));
    check_folder_leave(folder);
}

TESTS(TEST(commands_are_tried_until_one_ends_well), TEST(no_shell_reads_the_message))
