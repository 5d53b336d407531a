#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/check_folder.h"
#include "base/mem.h"

static mode_t mode_of(const char *path) {
    struct stat facts;
    CHECK_INT(stat(path, &facts), 0);
    return facts.st_mode & 07777;
}

static void a_file_is_replaced_whole_with_its_mode(void) {
    char *dir = check_folder_make();
    auto_(mem_freep) char *path = file_join(dir, "key");
    struct buf out = { 0 };

    CHECK_INT(file_write_atomic(path, slice_of_text("first, longer"), 0600), 0);
    CHECK_INT(file_write_atomic(path, slice_of_text("second"), 0640), 0);
    CHECK_INT(mode_of(path), 0640);
    CHECK_INT(file_read(path, 100, &out), 0);
    CHECK_TEXT(buf_text(&out), "second");
    buf_done(&out);
    check_folder_remove(dir);
}

static void reading_stops_at_the_limit(void) {
    char *dir = check_folder_make();
    auto_(mem_freep) char *path = file_join(dir, "big");
    struct buf in = { 0 }, out = { 0 };

    memset(buf_room(&in, 50000), 'x', 50000);
    buf_added(&in, 50000);
    CHECK_INT(file_write_atomic(path, buf_slice(&in), 0600), 0);
    buf_add_text(&out, "kept");
    CHECK_INT(file_read(path, 49999, &out), -EFBIG);
    CHECK_INT(file_read(dir, 100, &out), -EISDIR);
    CHECK_INT(file_read("/nonexistent", 100, &out), -ENOENT);
    CHECK_TEXT(buf_text(&out), "kept");
    CHECK_INT(file_read(path, 50000, &out), 0);
    CHECK_INT(out.len, 50004);
    buf_done(&in);
    buf_done(&out);
    check_folder_remove(dir);
}

static void a_failed_write_leaves_nothing_behind(void) {
    char *dir = check_folder_make();
    auto_(mem_freep) char *path = file_join(dir, "folder");

    CHECK_INT(mkdir(path, 0700), 0);
    CHECK(file_write_atomic(path, slice_of_text("x"), 0600) < 0);
    CHECK_INT(rmdir(path), 0);
    CHECK_INT(rmdir(dir), 0);
    CHECK_INT(file_write_atomic(path, slice_of_text("x"), 0600), -ENOENT);
    free(dir);
}

static void lines_are_appended_and_rights_narrowed(void) {
    char *dir = check_folder_make();
    auto_(mem_freep) char *path = file_join(dir, ".env");
    struct buf out = { 0 };

    CHECK_INT(file_write_atomic(path, slice_of_text("A=1"), 0644), 0);
    CHECK_INT(file_append_line(path, "B=2", 0600), 0);
    CHECK_INT(file_append_line(path, "C=3", 0600), 0);
    CHECK_INT(mode_of(path), 0600);
    CHECK_INT(file_read(path, 100, &out), 0);
    CHECK_TEXT(buf_text(&out), "A=1\nB=2\nC=3\n");
    buf_done(&out);
    check_folder_remove(dir);
}

static void folders_are_made_down_to_the_last(void) {
    char *dir = check_folder_make();
    auto_(mem_freep) char *path = file_join(dir, "a/b//c/");
    auto_(mem_freep) char *file = file_join(dir, "file");
    auto_(mem_freep) char *below = file_join(file, "x");

    CHECK_INT(file_make_dirs(path, 0700), 0);
    CHECK_INT(file_make_dirs(path, 0700), 0);
    CHECK(file_exists(path));
    CHECK_INT(file_write_atomic(file, slice_of_text(""), 0600), 0);
    CHECK_INT(file_make_dirs(file, 0700), -ENOTDIR);
    CHECK_INT(file_make_dirs(below, 0700), -ENOTDIR);
    check_folder_remove(dir);
}

static void paths_are_joined(void) {
    auto_(mem_freep) char *plain = file_join("a", "b");
    auto_(mem_freep) char *slash = file_join("a/", "b");
    auto_(mem_freep) char *absolute = file_join("a", "/b");

    CHECK_TEXT(plain, "a/b");
    CHECK_TEXT(slash, "a/b");
    CHECK_TEXT(absolute, "/b");
}

static void one_holds_the_lock(void) {
    char *dir = check_folder_make();
    auto_(mem_freep) char *path = file_join(dir, "lock");
    int first = -1, second = -1;

    CHECK_INT(file_lock(path, &first), 0);
    CHECK_INT(file_lock(path, &second), -EWOULDBLOCK);
    CHECK_INT(second, -1);
    close(first);
    CHECK_INT(file_lock(path, &second), 0);
    close(second);
    check_folder_remove(dir);
}

TESTS(TEST(one_holds_the_lock),
      TEST(a_file_is_replaced_whole_with_its_mode),
      TEST(reading_stops_at_the_limit),
      TEST(a_failed_write_leaves_nothing_behind),
      TEST(lines_are_appended_and_rights_narrowed),
      TEST(folders_are_made_down_to_the_last),
      TEST(paths_are_joined))
