#include "hub/data_lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"

static char folder[] = "/tmp/data-lock-XXXXXX";

static void open_folder(void) {
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
}

static void close_folder(void) {
    char *path = file_join(folder, "lock");
    unlink(path);
    free(path);
    rmdir(folder);
}

static void one_hub_holds_the_folder(void) {
    struct data_lock *lock = NULL;
    struct data_lock *second = NULL;
    char *why = NULL;

    open_folder();
    CHECK(!data_lock_is_held(folder));
    CHECK_INT(data_lock_take(folder, &lock, &why), 0);
    CHECK(data_lock_is_held(folder));
    CHECK_INT(data_lock_take(folder, &second, &why), -EWOULDBLOCK);
    CHECK(strstr(why, "another roostd uses this data folder") != NULL);
    free(why);
    data_lock_free(lock);
    CHECK(!data_lock_is_held(folder));
    close_folder();
}

static void its_note_says_who_and_what_failed(void) {
    struct data_lock_note note;
    struct data_lock *lock = NULL;
    char *why = NULL;

    open_folder();
    CHECK_INT(data_lock_read(folder, &note), -ENOENT);
    CHECK_INT(data_lock_take(folder, &lock, &why), 0);
    CHECK_INT(data_lock_read(folder, &note), -EAGAIN);
    data_lock_tell(lock, "the settings are wrong");
    CHECK_INT(data_lock_read(folder, &note), 0);
    CHECK_INT(note.pid, getpid());
    CHECK_INT(note.failures, 1);
    CHECK_TEXT(note.why, "the settings are wrong");
    data_lock_tell(lock, NULL);
    CHECK_INT(data_lock_read(folder, &note), 0);
    CHECK_INT(note.failures, 1);
    CHECK_TEXT(note.why, "");
    data_lock_free(lock);
    close_folder();
}

static void a_damaged_note_is_none(void) {
    static const char *const notes[] = { "",  "x", "1 0 init", "-7 0", "99999999999999 q",
                                         "12" };
    struct data_lock_note note;

    open_folder();
    char *path = file_join(folder, "lock");
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        CHECK_INT(file_write_atomic(path, slice_of_text(notes[i]), 0600), 0);
        CHECK_INT(data_lock_read(folder, &note), -EAGAIN);
    }
    free(path);
    close_folder();
}

TESTS(TEST(one_hub_holds_the_folder),
      TEST(its_note_says_who_and_what_failed),
      TEST(a_damaged_note_is_none))
