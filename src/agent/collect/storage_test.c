#include "agent/collect/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/collect/hard_links.h"
#include "base/buf.h"
#include "base/check_folder.h"

static void make_file(const char *path, off_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK_INT(ftruncate(fd, size), 0);
    close(fd);
}

static uint64_t size_of(const char *path) {
    struct stat look;
    CHECK_INT(lstat(path, &look), 0);
    return (uint64_t)look.st_size;
}

/* What du says of the working directory. */
static uint64_t ask_du(void) {
    unsigned long long bytes = 0;
    FILE *du = popen("/usr/bin/du -x --apparent-size -B1 -s .", "re");
    CHECK(du);
    CHECK_INT(fscanf(du, "%llu", &bytes), 1);
    CHECK_INT(pclose(du), 0);
    return bytes;
}

static void a_tree_counts_as_du_counts_it(void) {
    char *folder = check_folder_enter();
    struct storage storage = { .limit = 10 };

    CHECK_INT(mkdir("a", 0700), 0);
    CHECK_INT(mkdir("a/b", 0700), 0);
    CHECK_INT(mkdir("empty", 0700), 0);
    make_file("a/sparse", 1 << 20);
    make_file("a/b/one", 1000);
    make_file("big", 5 << 20);
    CHECK_INT(symlink("/", "a/b/root"), 0);
    CHECK_INT(symlink("..", "a/up"), 0);
    CHECK_INT(mkfifo("pipe", 0600), 0);
    CHECK_INT(link("a/sparse", "a/b/again"), 0);
    CHECK_INT(link("a/sparse", "third"), 0);

    CHECK_INT(storage_count(&storage, "."), 0);
    CHECK_INT(storage.folders, 4);
    CHECK_INT(storage.files, 6);
    CHECK_INT(storage.unreadable, 0);
    CHECK_INT(storage.skipped, 0);
    uint64_t all = storage.bytes;
    uint64_t folders = size_of(".") + size_of("a") + size_of("a/b") + size_of("empty");
    CHECK_INT(all - folders, (1 << 20) + 1000 + (5 << 20) + 1 + 2);
    uint64_t du = ask_du(); /* coreutils before 9.2 counts folders, later not */
    CHECK(du == all || du == all - folders);

    uint64_t sum = size_of(".") + storage.other_bytes;
    for (size_t i = 0; i < storage.entry_count; i++)
        sum += storage.entries[i].bytes;
    CHECK_INT(sum, all);
    CHECK_TEXT(storage.entries[0].name, "big");
    CHECK(!storage.entries[0].is_folder);
    CHECK_INT(storage.entries[0].bytes, 5 << 20);
    storage_done(&storage);
    check_folder_leave(folder);
}

static void the_largest_entries_are_kept_and_the_rest_is_summed(void) {
    char *folder = check_folder_enter();
    struct storage storage = { .limit = 3 };

    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof(name), "f%d", i);
        make_file(name, 1000 + (i * 17) % 40);
    }
    CHECK_INT(storage_count(&storage, folder), 0);
    CHECK_INT(storage.entry_count, 3);
    CHECK_INT(storage.entries[0].bytes, 1039);
    CHECK_INT(storage.entries[1].bytes, 1038);
    CHECK_INT(storage.entries[2].bytes, 1037);
    CHECK_INT(storage.other_bytes + 1039 + 1038 + 1037 + size_of("."), storage.bytes);
    storage_done(&storage);
    check_folder_leave(folder);
}

/* Deeper than a path can say, and than there may be descriptors. */
static void a_deep_tree_takes_few_descriptors(void) {
    enum { DEPTH = 3000, SPARE = 8 };
    char *folder = check_folder_enter();
    struct storage storage = { .limit = 1 };
    int at = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; i < DEPTH; i++) {
        CHECK_INT(mkdirat(at, "deep", 0700), 0);
        int file = openat(at, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        CHECK_INT(ftruncate(file, 10), 0);
        close(file);
        int below = openat(at, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(at);
        at = below;
    }
    close(at);
    CHECK_INT(storage_count(&storage, "."), 0);
    CHECK_INT(storage.folders, DEPTH + 1);
    CHECK_INT(storage.files, DEPTH);
    CHECK_INT(storage.unreadable, 0);
    uint64_t du = ask_du();
    CHECK(du == storage.bytes || du == DEPTH * 10);
    storage_done(&storage);
    check_folder_leave(folder);
}

static void a_count_can_be_cancelled(void) {
    char *folder = check_folder_enter();
    struct storage storage = { .limit = 1, .cancel = true };

    make_file("file", 1);
    CHECK_INT(storage_count(&storage, "."), -ECANCELED);
    storage_done(&storage);
    check_folder_leave(folder);
}

static void what_is_no_folder_is_told(void) {
    char *folder = check_folder_enter();
    struct storage storage = { .limit = 1 };

    CHECK_INT(storage_count(&storage, "nothing"), -ENOENT);
    storage_done(&storage);
    make_file("file", 1);
    CHECK_INT(storage_count(&storage, "file"), -ENOTDIR);
    storage_done(&storage);
    check_folder_leave(folder);
}

static void links_lead_not_out_of_what_may_be_counted(void) {
    char *folder = check_folder_enter();
    char *mine = mem_printf("%s/mine", folder);
    const struct {
        const char *path;
        const char *within;
        int result;
    } cases[] = {
        { "mine", mine, 0 },          { "mine/below", mine, 0 },
        { "mine/out", mine, -EPERM }, { "minester", mine, -EPERM },
        { "mine/..", mine, -EPERM },  { "/", "/", 0 },
        { folder, "/", -EPERM },
    };

    CHECK_INT(mkdir("mine", 0700), 0);
    CHECK_INT(mkdir("mine/below", 0700), 0);
    CHECK_INT(mkdir("minester", 0700), 0);
    CHECK_INT(symlink("../minester", "mine/out"), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct storage storage = { .limit = 1, .within = cases[i].within };
        storage.cancel = strcmp(cases[i].path, "/") == 0; /* it need not be counted */
        int r = storage_count(&storage, cases[i].path);
        CHECK_INT(r == -ECANCELED ? 0 : r, cases[i].result);
        storage_done(&storage);
    }
    free(mine);
    check_folder_leave(folder);
}

static void more_files_with_several_names_than_are_remembered_are_told(void) {
    char *folder = check_folder_enter();
    struct storage storage = { .limit = 1, .links_max = 2 };

    CHECK_INT(mkdir("a", 0700), 0);
    CHECK_INT(mkdir("b", 0700), 0);
    for (int i = 0; i < 5; i++) {
        char one[16], other[16];
        snprintf(one, sizeof(one), "a/%d", i);
        snprintf(other, sizeof(other), "b/%d", i);
        make_file(one, 1);
        CHECK_INT(link(one, other), 0);
    }
    CHECK_INT(storage_count(&storage, "."), 0);
    CHECK(storage.unsure > 0);
    CHECK(storage.files > 5 && storage.files <= 10);
    storage_done(&storage);
    check_folder_leave(folder);
}

static void a_file_is_met_as_often_as_it_has_names(void) {
    enum { FILES = 5000, NAMES = 3 };
    struct hard_links *links = hard_links_new(FILES);

    for (int name = 0; name < NAMES; name++)
        for (uint64_t file = 0; file < FILES; file++)
            CHECK_INT(hard_links_meet(links, file << 20, NAMES),
                      name == 0 ? 0 : HARD_LINKS_E_MET);
    CHECK_INT(hard_links_count(links), 0);
    for (uint64_t file = 0; file < FILES; file++)
        CHECK_INT(hard_links_meet(links, file, 2), 0);
    CHECK_INT(hard_links_meet(links, FILES, 2), HARD_LINKS_E_FULL);
    for (uint64_t file = FILES; file-- > 0;)
        CHECK_INT(hard_links_meet(links, file, 2), HARD_LINKS_E_MET);
    CHECK_INT(hard_links_count(links), 0);
    hard_links_free(links);
}

TESTS(TEST(a_tree_counts_as_du_counts_it),
      TEST(the_largest_entries_are_kept_and_the_rest_is_summed),
      TEST(a_deep_tree_takes_few_descriptors),
      TEST(a_count_can_be_cancelled),
      TEST(what_is_no_folder_is_told),
      TEST(links_lead_not_out_of_what_may_be_counted),
      TEST(more_files_with_several_names_than_are_remembered_are_told),
      TEST(a_file_is_met_as_often_as_it_has_names))
