/*
 * check_folder - a folder of a test's own
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/slice.h"

/* Makes an empty folder; its path is a new string for check_folder_remove(). */
static inline char *check_folder_make(void) {
    char *folder = mem_strdup("/tmp/roost-test-XXXXXX");
    CHECK(mkdtemp(folder));
    return folder;
}

/* Removes the folder with all that is in it, and frees the path. */
static inline void check_folder_remove(char *folder) {
    auto_(mem_freep) char *command = mem_printf("/bin/rm -r '%s'", folder);
    CHECK_INT(system(command), 0);
    free(folder);
}

/* The same as the working directory, without an environment. */
static inline char *check_folder_enter(void) {
    char *folder = check_folder_make();
    CHECK_INT(chdir(folder), 0);
    clearenv();
    CHECK_INT(setenv("CMOCKA_MESSAGE_OUTPUT", "TAP", 1), 0);
    return folder;
}

static inline void check_folder_leave(char *folder) {
    CHECK_INT(chdir("/"), 0);
    check_folder_remove(folder);
}

/* Writes a file, relative to folder. */
static inline void check_folder_put(const char *folder,
                                    const char *name,
                                    const char *text) {
    auto_(mem_freep) char *path = file_join(folder, name);
    CHECK_INT(file_write_atomic(path, slice_of_text(text), 0600), 0);
}
