#include "agent/collect/storage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/collect/hard_links.h"
#include "base/mem.h"

enum {
    OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
    LOOK_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
    LOOK_FIELDS = STATX_TYPE | STATX_NLINK | STATX_INO | STATX_SIZE,
};

/* A folder that is being read: the way down to it is those before it. */
struct level {
    DIR *stream; /* owned; NULL: closed for now, to go on at place */
    uint64_t inode;
    long place;
};

struct count {
    struct storage *storage;  /* borrowed: the caller */
    struct hard_links *links; /* owned */
    struct level *levels;     /* owned */
    size_t depth;             /* levels in use; the first one always stays open */
    size_t level_cap;
    uint64_t device;
    struct storage_entry entry; /* the one of the first level that is being counted */
};

/* --- the largest entries: a heap with the smallest of them on top --- */

static void swap(struct storage_entry *a, struct storage_entry *b) {
    struct storage_entry kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct storage_entry *entries, size_t at) {
    while (at > 0 && entries[at].bytes < entries[(at - 1) / 2].bytes) {
        swap(&entries[at], &entries[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct storage_entry *entries, size_t count, size_t at) {
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child < count && child <= 2 * at + 2; child++)
            if (entries[child].bytes < entries[least].bytes)
                least = child;
        if (least == at)
            return;
        swap(&entries[at], &entries[least]);
        at = least;
    }
}

/* Takes the name. */
static void keep_entry(struct storage *storage, struct storage_entry entry) {
    struct storage_entry *entries = storage->entries;

    if (storage->entry_count < storage->limit) {
        entries[storage->entry_count] = entry;
        sift_up(entries, storage->entry_count++);
        return;
    }
    if (entry.bytes > entries[0].bytes) {
        swap(&entries[0], &entry);
        sift_down(entries, storage->entry_count, 0);
    }
    storage->other_bytes += entry.bytes;
    free(entry.name);
}

static int compare(const void *a, const void *b) {
    const struct storage_entry *one = a, *other = b;

    if (one->bytes != other->bytes)
        return one->bytes > other->bytes ? -1 : 1;
    return strcmp(one->name, other->name);
}

/* --- levels --- */

static struct level *top_level(struct count *count) {
    return &count->levels[count->depth - 1];
}

static void close_level(struct level *level) {
    if (level->stream)
        closedir(level->stream);
    level->stream = NULL;
}

/* Closes the one that is long above, to be opened again on the way back. */
static void rest_level(struct count *count) {
    if (count->depth <= STORAGE_OPEN_MAX)
        return;
    struct level *level = &count->levels[count->depth - STORAGE_OPEN_MAX];
    if (!level->stream)
        return;
    level->place = telldir(level->stream);
    close_level(level);
}

static uint64_t device_of(const struct statx *look) {
    return makedev(look->stx_dev_major, look->stx_dev_minor);
}

/* Takes the descriptor. False: it cannot be read. */
static bool push_level(struct count *count, int fd, uint64_t inode) {
    DIR *stream = fdopendir(fd);

    if (!stream) {
        close(fd);
        return false;
    }
    if (count->depth == count->level_cap) {
        count->level_cap = count->level_cap ? 2 * count->level_cap : STORAGE_OPEN_MAX;
        count->levels =
            mem_grow(count->levels, count->level_cap * sizeof(*count->levels));
    }
    count->levels[count->depth++] = (struct level) { .stream = stream, .inode = inode };
    rest_level(count);
    return true;
}

/* Opens the folder above the one that is over again: false when that is another one now.
 */
static bool wake_level(struct count *count, struct level *level, const DIR *below) {
    struct statx look;
    int fd = openat(dirfd((DIR *)(uintptr_t)below), "..", OPEN_FLAGS);

    if (fd < 0)
        return false;
    if (statx(fd, "", AT_EMPTY_PATH, LOOK_FIELDS, &look) == 0 &&
        look.stx_ino == level->inode && device_of(&look) == count->device)
        level->stream = fdopendir(fd);
    if (!level->stream) {
        close(fd);
        return false;
    }
    seekdir(level->stream, level->place);
    return true;
}

/* The top one is over. When the way back was moved away, what is above it is given up,
 * up to the first level. */
static void pop_level(struct count *count) {
    struct level *over = top_level(count);
    DIR *stream = TAKE(over->stream);

    count->depth--;
    if (count->depth > 0 && !top_level(count)->stream &&
        !wake_level(count, top_level(count), stream)) {
        atomic_fetch_add(&count->storage->unreadable, count->depth - 1);
        count->depth = 1;
    }
    closedir(stream);
}

/* --- names --- */

static void add_bytes(struct count *count, const struct statx *look) {
    count->entry.bytes += look->stx_size;
    atomic_fetch_add(&count->storage->bytes, look->stx_size);
}

/* Files of an overlay may have the devices of its layers. */
static uint64_t key_of(const struct count *count, const struct statx *look) {
    return look->stx_ino ^ (device_of(look) - count->device) * 0x9e3779b97f4a7c15u;
}

static void add_file(struct count *count, const struct statx *look) {
    if (look->stx_nlink > 1) {
        int r = hard_links_meet(count->links, key_of(count, look), look->stx_nlink);
        if (r == HARD_LINKS_E_MET)
            return;
        if (r == HARD_LINKS_E_FULL)
            atomic_fetch_add(&count->storage->unsure, 1);
    }
    add_bytes(count, look);
    count->entry.files++;
    atomic_fetch_add(&count->storage->files, 1);
}

static bool is_above(const struct count *count, uint64_t inode) {
    for (size_t i = 0; i < count->depth; i++)
        if (count->levels[i].inode == inode)
            return true;
    return false;
}

/* Something else is mounted there: a file system, or a part of this one again. Kernels
 * before 5.8 do not say so of the latter; then at least no circle is walked. */
static bool is_mount(const struct count *count, const struct statx *look) {
    bool is_folder = S_ISDIR(look->stx_mode);

    if (is_folder && device_of(look) != count->device)
        return true;
    if (look->stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)
        return (look->stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    return is_folder && is_above(count, look->stx_ino);
}

/* It went, or is no folder any more. */
static bool has_gone(int error) {
    return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

static void add_folder(struct count *count, int above, const char *name) {
    struct statx look;
    int fd = -1;

    errno = ENAMETOOLONG;
    if (count->depth < STORAGE_DEPTH_MAX)
        fd = openat(above, name, OPEN_FLAGS);
    if (fd < 0) {
        if (!has_gone(errno))
            atomic_fetch_add(&count->storage->unreadable, 1);
        return;
    }
    /* It may be another one than a moment ago. */
    if (statx(fd, "", AT_EMPTY_PATH, LOOK_FIELDS, &look) != 0 || is_mount(count, &look)) {
        close(fd);
        atomic_fetch_add(&count->storage->skipped, 1);
        return;
    }
    if (!push_level(count, fd, look.stx_ino))
        atomic_fetch_add(&count->storage->unreadable, 1);
}

static void add_name(struct count *count, int folder, const char *name) {
    struct statx look;
    bool is_first = count->depth == 1;

    if (statx(folder, name, LOOK_FLAGS, LOOK_FIELDS, &look) != 0) {
        if (!has_gone(errno))
            atomic_fetch_add(&count->storage->unreadable, 1);
        return;
    }
    if (is_mount(count, &look)) {
        atomic_fetch_add(&count->storage->skipped, 1);
        return;
    }
    bool is_folder = S_ISDIR(look.stx_mode);
    if (is_first)
        count->entry =
            (struct storage_entry) { .name = mem_strdup(name), .is_folder = is_folder };
    if (!is_folder) {
        add_file(count, &look);
        return;
    }
    add_bytes(count, &look);
    atomic_fetch_add(&count->storage->folders, 1);
    add_folder(count, folder, name);
}

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Back on the first level, what was counted last is whole. */
static void end_entry(struct count *count) {
    struct storage_entry entry = count->entry;

    if (count->depth > 1 || !entry.name)
        return;
    count->entry.name = NULL;
    keep_entry(count->storage, entry);
}

static int walk(struct count *count) {
    while (count->depth > 0) {
        if (atomic_load(&count->storage->cancel))
            return -ECANCELED;
        errno = 0;
        DIR *stream = top_level(count)->stream;
        const struct dirent *found = readdir(stream);
        if (found && !is_dots(found->d_name))
            add_name(count, dirfd(stream), found->d_name);
        if (!found && errno != 0)
            atomic_fetch_add(&count->storage->unreadable, 1);
        if (!found)
            pop_level(count);
        end_entry(count);
    }
    return 0;
}

/* Whatever links led there: is the folder the one that may be counted, or below it? */
static bool is_within(int fd, const char *within) {
    char *link = mem_printf("/proc/self/fd/%d", fd);
    char path[PATH_MAX];
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    size_t prefix = strlen(within);

    free(link);
    if (len < (ssize_t)prefix)
        return false;
    path[len] = '\0';
    if (strcmp(within, "/") == 0)
        return strcmp(path, "/") == 0;
    return strncmp(path, within, prefix) == 0 &&
           (path[prefix] == '\0' || path[prefix] == '/');
}

static int begin(struct count *count, const char *path) {
    const char *within = count->storage->within;
    struct statx look;
    int fd = open(path, OPEN_FLAGS & ~O_NOFOLLOW);

    if (fd < 0)
        return -errno;
    if (within && !is_within(fd, within)) {
        close(fd);
        return -EPERM;
    }
    if (statx(fd, "", AT_EMPTY_PATH, LOOK_FIELDS, &look) != 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    count->device = device_of(&look);
    if (!push_level(count, fd, look.stx_ino))
        return -EIO;
    atomic_fetch_add(&count->storage->folders, 1);
    atomic_fetch_add(&count->storage->bytes, look.stx_size);
    return 0;
}

int storage_count(struct storage *storage, const char *path) {
    size_t links_max = storage->links_max ? storage->links_max : STORAGE_LINKS_MAX;
    struct count count = { .storage = storage };

    storage->entries = mem_new_array(storage->limit, sizeof(*storage->entries));
    count.links = hard_links_new(links_max);
    int r = begin(&count, path);
    if (r == 0)
        r = walk(&count);
    for (size_t i = 0; i < count.depth; i++)
        close_level(&count.levels[i]);
    if (storage->entry_count > 0)
        qsort(storage->entries, storage->entry_count, sizeof(*storage->entries), compare);
    free(count.entry.name);
    free(count.levels);
    hard_links_free(count.links);
    return r;
}

void storage_done(struct storage *storage) {
    for (size_t i = 0; i < storage->entry_count; i++)
        free(storage->entries[i].name);
    free(storage->entries);
    storage->entries = NULL;
    storage->entry_count = 0;
}
