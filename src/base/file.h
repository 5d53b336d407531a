/*
 * file - whole small files: read, replaced at once, appended to
 *
 * All functions block; they are for start-up, the command line and worker threads.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

/*
 * Appends the whole content to out: 0 or -errno; -EFBIG when it is longer than max,
 * -EISDIR for a folder. On failure out is as it was.
 */
int file_read(const char *path, size_t max, struct buf *out);

/*
 * Replaces the file by these bytes, with this mode whatever the umask: after a crash it
 * is either the old or the new one, whole. 0 or -errno.
 */
int file_write_atomic(const char *path, struct slice bytes, mode_t mode);

/*
 * Appends the line and a newline, after one more newline when the file does not end in
 * one; makes the file with this mode. A mode of an existing file that gives more rights
 * is narrowed to it. 0 or -errno.
 */
int file_append_line(const char *path, const char *line, mode_t mode);

/* Makes the folder and those above it; one that is there already is fine. 0 or -errno. */
int file_make_dirs(const char *path, mode_t mode);

/* "DIR/NAME" as a new string; an absolute name stands alone. */
char *file_join(const char *dir, const char *name);

bool file_exists(const char *path);

/*
 * Makes the file and holds it for this process until the descriptor is closed (the end of
 * the process does it): 0, -EWOULDBLOCK when another one holds it, or -errno.
 */
int file_lock(const char *path, int *ret_fd);
