#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { READ_LEN = 16384 };

static int read_all(int fd, size_t max, struct buf *out) {
    size_t start = out->len;

    for (;;) {
        ssize_t len = read(fd, buf_room(out, READ_LEN), READ_LEN);
        if (len == 0)
            return 0;
        if (len < 0 && errno == EINTR)
            continue;
        int r = len < 0 ? -errno : 0;
        if (r == 0) {
            buf_added(out, (size_t)len);
            r = out->len - start > max ? -EFBIG : 0;
        }
        if (r < 0) {
            out->len = start;
            return r;
        }
    }
}

int file_read(const char *path, size_t max, struct buf *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    bool had_room = out->data != NULL;
    int r = read_all(fd, max, out);
    close(fd);
    if (r < 0 && !had_room)
        buf_done(out);
    return r;
}

static int write_all(int fd, struct slice bytes) {
    while (bytes.len > 0) {
        ssize_t len = write(fd, bytes.at, bytes.len);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return -errno;
        bytes = slice_after(bytes, (size_t)len);
    }
    return 0;
}

/* Writes, syncs and closes. */
static int fill(int fd, struct slice bytes, mode_t mode) {
    int r = fchmod(fd, mode) < 0 ? -errno : write_all(fd, bytes);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    return r;
}

/* Makes a rename in the folder of path durable. */
static int sync_dir_of(const char *path) {
    const char *slash = strrchr(path, '/');
    auto_(mem_freep) char *dir =
        slash ? mem_dup(path, slash == path ? 1 : (size_t)(slash - path))
              : mem_strdup(".");

    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    /* Some file systems cannot sync a folder and say so; they have no better way. */
    int r = fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
    close(fd);
    return r;
}

int file_write_atomic(const char *path, struct slice bytes, mode_t mode) {
    auto_(mem_freep) char *temp = mem_printf("%s.XXXXXX", path);

    int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fill(fd, bytes, mode);
    if (r == 0 && rename(temp, path) < 0)
        r = -errno;
    if (r < 0) {
        unlink(temp);
        return r;
    }
    return sync_dir_of(path);
}

/* Does the open file have bytes and the last one is no newline? */
static int lacks_newline(int fd, bool *ret_lacks) {
    off_t end = lseek(fd, 0, SEEK_END);
    char last = '\n';
    if (end < 0)
        return -errno;
    ssize_t len = end > 0 ? pread(fd, &last, 1, end - 1) : 0;
    if (len < 0)
        return -errno;
    *ret_lacks = last != '\n';
    return 0;
}

static int append(int fd, const char *line, mode_t mode) {
    struct stat facts;
    bool lacks = false;
    if (fstat(fd, &facts) < 0)
        return -errno;
    if ((facts.st_mode & 0777 & ~mode) != 0 && fchmod(fd, facts.st_mode & mode) < 0)
        return -errno;
    int r = lacks_newline(fd, &lacks);
    if (r < 0)
        return r;

    auto_(mem_freep) char *text = mem_printf("%s%s\n", lacks ? "\n" : "", line);
    r = write_all(fd, slice_of_text(text));
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r;
}

int file_append_line(const char *path, const char *line, mode_t mode) {
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, mode);
    if (fd < 0)
        return -errno;
    int r = append(fd, line, mode);
    if (close(fd) < 0 && r == 0)
        r = -errno;
    return r;
}

static int make_dir(const char *path, mode_t mode) {
    struct stat facts;
    if (mkdir(path, mode) == 0)
        return 0;
    int r = -errno;
    if (stat(path, &facts) < 0)
        return r;
    return S_ISDIR(facts.st_mode) ? 0 : -ENOTDIR;
}

int file_make_dirs(const char *path, mode_t mode) {
    auto_(mem_freep) char *part = mem_strdup(path);

    for (char *at = part + 1; *part && (at = strchr(at, '/')); at++) {
        *at = '\0';
        int r = make_dir(part, 0755);
        *at = '/';
        if (r < 0)
            return r;
    }
    return make_dir(part, mode);
}

char *file_join(const char *dir, const char *name) {
    if (name[0] == '/')
        return mem_strdup(name);
    size_t len = strlen(dir);
    return mem_printf("%s%s%s", dir, len > 0 && dir[len - 1] == '/' ? "" : "/", name);
}

bool file_exists(const char *path) {
    return access(path, F_OK) == 0;
}

int file_lock(const char *path, int *ret_fd) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}
