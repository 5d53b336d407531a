/*
 * mount - space and inodes of file systems, from mountinfo and statvfs()
 *
 * A file system counts once, however often it is mounted. What lies on the network or
 * behind FUSE is never asked, unless its folder is included by name: a dead server would
 * block the agent. A container's "/" counts whatever it is.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/collect/collector.h"
#include "agent/collect/text.h"
#include "base/mem.h"

enum {
    EVERY_S = 10,
    PATH_LEN_MAX = 200, /* a longer folder does not become a name */
    MOUNTS_MAX = 64,    /* of the catalogue */
};

/* Smaller ones are firmware, recovery and the like. */
#define SIZE_MIN (UINT64_C(1) << 30)

static const char local_types[] =
    "ext[234],xfs,btrfs,zfs,bcachefs,f2fs,jfs,reiserfs,nilfs2,vfat,exfat,ntfs,ntfs3,"
    "fuseblk,hfsplus,ufs,udf,ubifs,jffs2";
static const char skipped_folders[] =
    "/boot,/boot/*,/efi,/snap/*,/var/snap/*,/var/lib/docker/*,/var/lib/containers/*,"
    "/var/lib/kubelet/*,/var/lib/containerd/*,/run/*,/sys/*,/proc/*,/dev/*";

enum { SHARE, USED, TOTAL, INODES, FIGURES };

static const char *const names[FIGURES] = {
    [SHARE] = "disk",
    [USED] = "disk.used",
    [TOTAL] = "disk.total",
    [INODES] = "disk.inodes",
};

struct mount {
    char *folder;  /* owned */
    char *source;  /* owned; "/dev/sda1", "pool/data" */
    char *device;  /* owned; "8:1" */
    bool has_pool; /* shares its room with others of the same source up to a slash */
    bool has_inodes;
    int places[FIGURES];
};

struct mount_list {
    struct mount *mounts; /* owned */
    size_t count;
};

struct mounts {
    struct source info;
    struct mount_list list;
    uint64_t next_ns;
    int sums[FIGURES]; /* places */
};

/* One line of mountinfo, each piece lent. */
struct line {
    char folder[PATH_LEN_MAX];
    char source[PATH_LEN_MAX];
    char type[64];
    char device[32];
    bool is_whole; /* the root of the file system, no part of it */
};

static void *mounts_new(const struct sampling *sampling) {
    struct mounts *mounts = mem_new(sizeof(*mounts));
    /* Where the host's "/" is a folder of ours, our own mounts are not the host's. */
    char *first = collector_proc_path(sampling, "1/mountinfo");
    bool is_elsewhere = sampling->config.root[0] != '\0' && access(first, R_OK) == 0;
    source_init(
        &mounts->info,
        collector_proc_path(sampling, is_elsewhere ? "1/mountinfo" : "self/mountinfo"));
    free(first);
    return mounts;
}

static void free_list(struct mount_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->mounts[i].folder);
        free(list->mounts[i].source);
        free(list->mounts[i].device);
    }
    free(list->mounts);
    *list = (struct mount_list) { 0 };
}

static void mounts_free(void *self) {
    struct mounts *mounts = self;
    source_done(&mounts->info);
    free_list(&mounts->list);
    free(mounts);
}

static bool is_octal(const char *at) {
    return at[0] >= '0' && at[0] <= '3' && at[1] >= '0' && at[1] <= '7' && at[2] >= '0' &&
           at[2] <= '7';
}

/* Takes a word with blanks written as \040; false when there is none or it is too long.
 */
static bool take_path(const char **at, char *ret_path, size_t cap) {
    const char *word;
    size_t len, out = 0;

    if (!text_word(at, &word, &len))
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = word[i];
        if (c == '\\' && i + 3 < len && is_octal(word + i + 1)) {
            c = (char)((word[i + 1] - '0') << 6 | (word[i + 2] - '0') << 3 |
                       (word[i + 3] - '0'));
            i += 3;
        }
        if (out + 1 >= cap)
            return false;
        ret_path[out++] = c;
    }
    ret_path[out] = '\0';
    return true;
}

/* "36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/sda1 rw" (proc(5)). */
static bool take_line(const char *at, struct line *ret_line) {
    uint64_t ids[2];
    char root[PATH_LEN_MAX];

    if (text_numbers(&at, ids, 2) != 2 ||
        !take_path(&at, ret_line->device, sizeof(ret_line->device)))
        return false;
    const char *before_root = at;
    ret_line->is_whole = take_path(&at, root, sizeof(root)) && strcmp(root, "/") == 0;
    if (at == before_root || !take_path(&at, ret_line->folder, sizeof(ret_line->folder)))
        return false;
    const char *end = strchrnul(at, '\n');
    at = strstr(at, " - ");
    if (!at || at > end)
        return false;
    at += 3;
    return take_path(&at, ret_line->type, sizeof(ret_line->type)) &&
           take_path(&at, ret_line->source, sizeof(ret_line->source));
}

static bool is_usual(const struct line *line) {
    return text_list_matches(local_types, line->type) &&
           strncmp(line->source, "/dev/loop", 9) != 0 &&
           !text_list_matches(skipped_folders, line->folder);
}

static struct mount *find_device(struct mount_list *list, const char *device) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->mounts[i].device, device) == 0)
            return &list->mounts[i];
    return NULL;
}

static bool measure(const struct sampling *sampling,
                    const char *folder,
                    struct statvfs *ret_size) {
    char path[2 * PATH_LEN_MAX];

    snprintf(path, sizeof(path), "%s%s", sampling->config.root, folder);
    return sampling->config.measure(path, ret_size) == 0 && ret_size->f_frsize > 0 &&
           ret_size->f_blocks > 0;
}

static bool is_included(const struct sampling *sampling, const char *folder) {
    return text_list_matches(sampling->config.mounts.include, folder);
}

static void add_mount(struct mount_list *list,
                      const struct sampling *sampling,
                      const struct line *line,
                      bool at_any_size) {
    struct statvfs size;

    if (list->count == MOUNTS_MAX || find_device(list, line->device) ||
        !measure(sampling, line->folder, &size))
        return;
    if (!at_any_size && (uint64_t)size.f_blocks * size.f_frsize < SIZE_MIN)
        return;
    list->mounts = mem_grow(list->mounts, (list->count + 1) * sizeof(*list->mounts));
    list->mounts[list->count++] = (struct mount) {
        .folder = mem_strdup(line->folder),
        .source = mem_strdup(line->source),
        .device = mem_strdup(line->device),
        .has_pool = strcmp(line->type, "zfs") == 0,
        .has_inodes = size.f_files > 0,
    };
}

/* Whole file systems first, so that a bind mount does not give its name. */
static void read_mounts(struct mount_list *list, const struct sampling *sampling) {
    struct line line;

    for (int want_whole = 1; want_whole >= 0; want_whole--) {
        const char *at = sampling->page.text;
        for (; *at; at = text_next_line(at)) {
            if (!take_line(at, &line) || line.is_whole != want_whole ||
                !collector_chooses(&sampling->config.mounts, line.folder,
                                   is_usual(&line)))
                continue;
            add_mount(list, sampling, &line, is_included(sampling, line.folder));
        }
    }
    if (list->count > 0)
        return;
    for (const char *at = sampling->page.text; *at; at = text_next_line(at))
        if (take_line(at, &line) && strcmp(line.folder, "/") == 0 &&
            collector_chooses(&sampling->config.mounts, "/", true))
            add_mount(list, sampling, &line, true);
}

static bool is_same(const struct mount_list *a, const struct mount_list *b) {
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->mounts[i].folder, b->mounts[i].folder) != 0 ||
            a->mounts[i].has_inodes != b->mounts[i].has_inodes)
            return false;
    return true;
}

static bool mounts_scan(void *self, struct sampling *sampling) {
    struct mounts *mounts = self;
    struct mount_list fresh = { 0 };

    if (source_open(&mounts->info) < 0 || source_read(&mounts->info, &sampling->page) < 0)
        return false;
    read_mounts(&fresh, sampling);
    if (is_same(&mounts->list, &fresh)) {
        free_list(&fresh);
        return false;
    }
    free_list(&mounts->list);
    mounts->list = fresh;
    mounts->next_ns = 0;
    return true;
}

static void mounts_declare(void *self, struct sampling *sampling) {
    struct mounts *mounts = self;
    bool any_inodes = false;

    for (size_t i = 0; i < mounts->list.count; i++)
        any_inodes |= mounts->list.mounts[i].has_inodes;
    for (size_t f = 0; f < FIGURES; f++)
        mounts->sums[f] = mounts->list.count > 0 && (f != INODES || any_inodes)
                              ? collector_add(sampling, names[f], NULL)
                              : -1;
    for (size_t i = 0; i < mounts->list.count; i++) {
        struct mount *mount = &mounts->list.mounts[i];
        for (size_t f = 0; f < FIGURES; f++)
            mount->places[f] = f != INODES || mount->has_inodes
                                   ? collector_add(sampling, names[f], mount->folder)
                                   : -1;
    }
}

/* Was the room of this one's pool counted with an earlier one? */
static bool is_counted(const struct mount_list *list, size_t place) {
    const char *source = list->mounts[place].source;
    size_t len = strcspn(source, "/");

    for (size_t i = 0; i < place && list->mounts[place].has_pool; i++)
        if (list->mounts[i].has_pool &&
            strncmp(list->mounts[i].source, source, len) == 0 &&
            strcspn(list->mounts[i].source, "/") == len)
            return true;
    return false;
}

struct space {
    uint64_t used, room, total, inodes;
};

static struct space space_of(const struct statvfs *size) {
    uint64_t unit = size->f_frsize;
    uint64_t free_blocks =
        size->f_bfree < size->f_blocks ? size->f_bfree : size->f_blocks;
    uint64_t free_files = size->f_ffree < size->f_files ? size->f_ffree : size->f_files;

    return (struct space) {
        .used = (size->f_blocks - free_blocks) * unit,
        .room = size->f_bavail * unit,
        .total = size->f_blocks * unit,
        .inodes = (uint64_t)collector_share(size->f_files - free_files, size->f_files),
    };
}

static void set_figures(struct sampling *sampling,
                        const int places[static FIGURES],
                        const struct space *space) {
    collector_set(sampling, places[SHARE],
                  collector_share(space->used, space->used + space->room));
    collector_set(sampling, places[USED], (int64_t)space->used);
    collector_set(sampling, places[TOTAL], (int64_t)space->total);
    collector_set(sampling, places[INODES], (int64_t)space->inodes);
}

static void forget(struct sampling *sampling, const int places[static FIGURES]) {
    for (size_t f = 0; f < FIGURES; f++)
        collector_set(sampling, places[f], SAMPLER_ABSENT);
}

/* The kernel raises POLLPRI on mountinfo when a mount comes or goes. */
static bool has_news(const struct mounts *mounts) {
    struct pollfd poller = { .fd = mounts->info.fd, .events = POLLPRI };
    return poll(&poller, 1, 0) > 0 && poller.revents & POLLPRI;
}

static void mounts_take(void *self, struct sampling *sampling) {
    struct mounts *mounts = self;
    struct space sum = { 0 };

    if (!source_is_open(&mounts->info) ||
        !collector_is_due(sampling, &mounts->next_ns, EVERY_S))
        return;
    sampling->wants_scan = has_news(mounts);
    for (size_t i = 0; i < mounts->list.count; i++) {
        const struct mount *mount = &mounts->list.mounts[i];
        struct statvfs size;
        if (!measure(sampling, mount->folder, &size)) {
            forget(sampling, mount->places);
            continue;
        }
        struct space space = space_of(&size);
        set_figures(sampling, mount->places, &space);
        bool is_twice = is_counted(&mounts->list, i);
        sum.used += space.used;
        sum.room += is_twice ? 0 : space.room;
        sum.total += is_twice ? space.used : space.total;
        sum.inodes = sum.inodes > space.inodes ? sum.inodes : space.inodes;
    }
    set_figures(sampling, mounts->sums, &sum);
}

const struct collector mount_collector = {
    .new = mounts_new,
    .free = mounts_free,
    .scan = mounts_scan,
    .declare = mounts_declare,
    .take = mounts_take,
};
