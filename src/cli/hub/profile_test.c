#include "cli/hub/profile.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/check_folder.h"
#include "base/file.h"
#include "base/mem.h"

/* A configuration folder for one test. */
static char *enter_folder(void) {
    char *folder = check_folder_make();
    setenv("XDG_CONFIG_HOME", folder, 1);
    return folder;
}

static struct profile_list *load(void) {
    struct profile_list *list = NULL;
    char *why = NULL;
    CHECK_INT(profile_list_load(&list, &why), 0);
    return list;
}

static void what_is_saved_is_loaded(void) {
    char *folder = enter_folder();
    struct profile_list *list = load();

    CHECK_INT(list->count, 0);
    struct profile *home = profile_list_put(list, "home");
    profile_set(&home->hub, "https://a:1");
    profile_set(&home->token, "secret");
    profile_set(&profile_list_put(list, "work")->hub, "https://b:2");
    profile_list_set_current(list, "work");
    CHECK_INT(profile_list_save(list), 0);

    struct stat status;
    CHECK_INT(stat(list->path, &status), 0);
    CHECK_INT(status.st_mode & 0777, 0600);
    profile_list_free(list);

    list = load();
    CHECK_INT(list->count, 2);
    CHECK_TEXT(list->current, "work");
    CHECK_TEXT(profile_list_find(list, "home")->token, "secret");
    CHECK(!profile_list_find(list, "home")->pin);
    profile_list_remove(list, "work");
    CHECK_TEXT(list->current, "home");
    profile_list_remove(list, "home");
    CHECK(!list->current);
    profile_list_free(list);
    check_folder_remove(folder);
}

static void a_damaged_file_names_its_line(void) {
    char *folder = enter_folder();
    char *dir = mem_printf("%s/roost", folder);
    char *path = mem_printf("%s/profiles.ini", dir);
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        { "# fine\n\nnonsense\n", ":3:" },
        { "unknown = 1\n", ":1:" },
        { "[a]\nhub\n", ":2:" },
        { "[]\n", ":1:" },
    };

    CHECK_INT(file_make_dirs(dir, 0700), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct profile_list *list = NULL;
        char *why = NULL;
        CHECK_INT(file_write_atomic(path, slice_of_text(rows[i].text), 0600), 0);
        CHECK_INT(profile_list_load(&list, &why), PROFILE_E_SYNTAX);
        CHECK(strstr(why, rows[i].why));
        free(why);
    }
    free(path);
    free(dir);
    check_folder_remove(folder);
}

static void keys_are_found_by_their_names(void) {
    struct profile *profile = profile_new("x");

    for (size_t i = 0; profile_key(i); i++)
        CHECK(profile_field(profile, profile_key(i)));
    CHECK(!profile_field(profile, "name"));
    CHECK(!profile_field(profile, ""));
    profile_set(profile_field(profile, "pin"), "web");
    CHECK_TEXT(profile->pin, "web");
    profile_set(&profile->pin, "");
    CHECK(!profile->pin);
    profile_free(profile);
}

TESTS(TEST(what_is_saved_is_loaded),
      TEST(a_damaged_file_names_its_line),
      TEST(keys_are_found_by_their_names))
