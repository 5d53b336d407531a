#include "agent/spool/spool_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/spool/spool_catalogue.h"
#include "agent/spool/spool_load.h"
#include "agent/spool/spool_parts.h"
#include "agent/spool/spool_segment.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    SEGMENT_BYTES = 128 << 10, /* removed as one: a small part of any spool */
    FILE_BYTES_MAX = 64 << 20, /* what is longer is none of ours */
    SYNC_MS = 30000,           /* what a power loss may take */
    RETRY_MS = 30000,          /* after a write that failed */
    DRIFT_MS = 1000,           /* of the clocks against each other that is noted */
    ANCHOR_MS = 600000,        /* and they are noted so often anyway */
    NAME_LEN = 16,             /* digits of a segment's number */
};

struct segment {
    struct list node;
    uint64_t number;
    size_t bytes;
    struct spool_load_place last; /* of its newest row */
};

struct spool_disk {
    char *dir;              /* owned */
    int dir_fd;             /* owned; holds the lock */
    int fd;                 /* owned; of the newest segment; -1: the next row makes one */
    struct list segments;   /* owned */
    struct segment *newest; /* borrowed: segments; NULL when fd is -1 */
    uint64_t next_number;
    void (*sync)(void *arg, int fd); /* as in spool_config */
    void *sync_arg;                  /* borrowed: outlives us */
    struct buf out;                  /* scratch: what is written next */

    /* What stands in the newest segment: */
    uint64_t era_order; /* 0: none yet */
    uint32_t interval_ms;
    struct spool_anchor anchor;
    struct spool_catalogue *catalogue; /* reference */
    const struct spool_block *block;   /* borrowed: the spool, until it is forgotten */

    struct spool_cursor durable; /* to be written; epoch 0: none */
    uint64_t durable_order;      /* of the newest era that it ever was of */
    bool is_dirty;               /* written and not synced */
    uint64_t synced_ms;
    bool is_failing;
    uint64_t retry_ms;
};

int spool_disk_open(const struct spool_config *config, struct spool_disk **ret_disk) {
    const char *dir = config->dir;

    int r = file_make_dirs(dir, 0700);
    if (r < 0)
        return r;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        r = -errno;
        close(fd);
        return r;
    }
    struct spool_disk *disk = mem_new(sizeof(*disk));
    disk->dir = mem_strdup(dir);
    disk->dir_fd = fd;
    disk->fd = -1;
    disk->sync = config->sync;
    disk->sync_arg = config->sync_arg;
    disk->next_number = 1;
    list_init(&disk->segments);
    *ret_disk = disk;
    return 0;
}

static void name_segment(uint64_t number, char ret_name[static NAME_LEN + 8]) {
    snprintf(ret_name, NAME_LEN + 8, "%016" PRIx64 ".spool", number);
}

static struct segment *add_segment(struct spool_disk *disk, uint64_t number) {
    struct segment *segment = mem_new(sizeof(*segment));

    segment->number = number;
    list_add_tail(&disk->segments, &segment->node);
    if (number >= disk->next_number)
        disk->next_number = number + 1;
    return segment;
}

static void remove_segment(struct spool_disk *disk, struct segment *segment) {
    char name[NAME_LEN + 8];

    name_segment(segment->number, name);
    if (unlinkat(disk->dir_fd, name, 0) < 0 && errno != ENOENT)
        log_warning("%s/%s: %s", disk->dir, name, strerror(errno));
    list_remove(&segment->node);
    free(segment);
}

/* Syncs and closes the descriptor. */
static void sync_file(struct spool_disk *disk, int fd) {
    if (fd < 0)
        return; /* no more descriptors: the kernel writes in its own time */
    if (disk->sync) {
        disk->sync(disk->sync_arg, fd);
        return;
    }
    if (fsync(fd) < 0)
        log_warning("%s: %s", disk->dir, strerror(errno));
    close(fd);
}

static int duplicate(int fd) {
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/* The next rows go into a segment of their own. */
static void end_segment(struct spool_disk *disk) {
    if (disk->fd < 0)
        return;
    sync_file(disk, disk->fd);
    disk->fd = -1;
    disk->is_dirty = false;
    disk->newest = NULL;
    disk->era_order = 0;
    disk->catalogue = spool_catalogue_unref(disk->catalogue);
    disk->block = NULL;
}

struct spool_disk *spool_disk_free(struct spool_disk *disk) {
    struct list *node;

    if (!disk)
        return NULL;
    end_segment(disk);
    while ((node = list_pop(&disk->segments)))
        free(container_of(node, struct segment, node));
    close(disk->dir_fd);
    buf_done(&disk->out);
    free(disk->dir);
    free(disk);
    return NULL;
}

/* Removes the segments whose samples are not held any more. */
static void trim(struct spool_disk *disk, const struct spool *spool) {
    const struct spool_block *oldest =
        list_is_empty(&spool->blocks)
            ? NULL
            : container_of(spool->blocks.next, struct spool_block, node);

    list_for_each_safe(node, after, &disk->segments) {
        struct segment *segment = container_of(node, struct segment, node);
        if (segment == disk->newest ||
            (oldest && !spool_is_before(segment->last.order, segment->last.seq,
                                        oldest->era->order, oldest->first_seq)))
            return;
        remove_segment(disk, segment);
    }
}

/* "0123456789abcdef.spool": its number, else 0. */
static uint64_t read_name(const char *name) {
    char *end;

    if (strspn(name, "0123456789abcdef") != NAME_LEN)
        return 0;
    uint64_t number = strtoull(name, &end, 16);
    return strcmp(end, ".spool") == 0 ? number : 0;
}

static int compare(const void *a, const void *b) {
    uint64_t one = *(const uint64_t *)a, two = *(const uint64_t *)b;
    return one < two ? -1 : one > two;
}

/* The numbers of the segments that there are, in order; to be freed. */
static uint64_t *list_numbers(const struct spool_disk *disk, size_t *ret_count) {
    struct buf numbers = { 0 };
    DIR *dir = opendir(disk->dir);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        uint64_t number = read_name(entry->d_name);
        if (number > 0 && number < UINT64_MAX)
            buf_add(&numbers, &number, sizeof(number));
    }
    if (dir)
        closedir(dir);
    *ret_count = numbers.len / sizeof(uint64_t);
    if (*ret_count > 0)
        qsort(numbers.data, *ret_count, sizeof(uint64_t), compare);
    return (uint64_t *)(void *)numbers.data;
}

/* Not one of ours: a person may want to see it. */
static void put_aside(struct spool_disk *disk, struct segment *segment) {
    char name[NAME_LEN + 8], aside[NAME_LEN + 16];

    name_segment(segment->number, name);
    snprintf(aside, sizeof(aside), "%s.damaged", name);
    if (renameat(disk->dir_fd, name, disk->dir_fd, aside) < 0)
        log_warning("%s/%s: %s", disk->dir, name, strerror(errno));
    list_remove(&segment->node);
    free(segment);
}

static void load_segment(struct spool_disk *disk, struct spool *spool, uint64_t number) {
    struct segment *segment = add_segment(disk, number);
    char name[NAME_LEN + 8];
    struct buf bytes = { 0 };
    size_t good = 0;

    name_segment(number, name);
    char *path = file_join(disk->dir, name);
    int r = file_read(path, FILE_BYTES_MAX, &bytes);
    if (r == 0)
        r = spool_load(spool, buf_slice(&bytes), &segment->last, &good);
    segment->bytes = bytes.len;
    if (r != 0)
        spool->stats.damaged++;
    if (r < 0)
        log_error("%s: %s; its samples cannot be used", path, strerror(-r));
    else if (r != 0)
        log_warning("%s is damaged at byte %zu of %zu: what is whole before that is used",
                    path, good, bytes.len);
    if (r < 0 || (r == SPOOL_SEGMENT_E_DAMAGED && good == 0))
        put_aside(disk, segment);
    free(path);
    buf_done(&bytes);
}

void spool_disk_load(struct spool_disk *disk, struct spool *spool) {
    size_t count;
    uint64_t *numbers = list_numbers(disk, &count);

    for (size_t i = 0; i < count; i++)
        load_segment(disk, spool, numbers[i]);
    free(numbers);
    /* Every loaded block is on disk, though not in the segment that comes next. */
    list_for_each_safe(node, after, &spool->blocks) {
        struct spool_block *block = container_of(node, struct spool_block, node);
        block->saved_len = block->len;
    }
    trim(disk, spool);
}

static int begin_segment(struct spool_disk *disk) {
    char name[NAME_LEN + 8];

    name_segment(disk->next_number, name);
    int fd =
        openat(disk->dir_fd, name,
               O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    sync_file(disk, duplicate(disk->dir_fd));
    disk->fd = fd;
    disk->newest = add_segment(disk, disk->next_number);
    spool_segment_add_head(&disk->out);
    return 0;
}

static bool has_drifted(const struct spool_disk *disk,
                        const struct spool_anchor *anchor) {
    int64_t wall = anchor->wall_ms - disk->anchor.wall_ms;
    uint64_t boot = anchor->boot_ms - disk->anchor.boot_ms;
    int64_t drift = wall - (int64_t)boot;

    return boot >= ANCHOR_MS || drift > DRIFT_MS || drift < -DRIFT_MS;
}

static void add_era(struct spool_disk *disk, const struct spool_era *era) {
    if (disk->era_order == era->order && disk->interval_ms == era->start.interval_ms &&
        !has_drifted(disk, &era->anchor))
        return;
    spool_segment_add_era(&disk->out, &era->start, &era->anchor);
    disk->era_order = era->order;
    disk->interval_ms = era->start.interval_ms;
    disk->anchor = era->anchor;
}

static void add_catalogue(struct spool_disk *disk, struct spool_catalogue *catalogue) {
    if (disk->catalogue == catalogue)
        return;
    spool_segment_add_catalogue(&disk->out, catalogue->series, catalogue->count);
    spool_catalogue_unref(disk->catalogue);
    disk->catalogue = spool_catalogue_ref(catalogue);
}

/* What became durable, and at the begin of a segment what was so before. */
static void add_durable(struct spool_disk *disk, const struct spool_era *era) {
    struct spool_cursor done = { .epoch = era->start.epoch, .seq = era->done_seq };

    if (disk->durable.epoch != 0)
        spool_segment_add_durable(&disk->out, disk->durable);
    if (disk->newest->bytes == 0 && done.seq > 0)
        spool_segment_add_durable(&disk->out, done);
}

static void add_rows(struct spool_disk *disk, const struct spool_block *block) {
    size_t from = disk->block == block ? block->saved_len : 0;

    if (from == 0)
        spool_segment_add_block(&disk->out, block->first_seq);
    disk->block = block;
    spool_segment_add_rows(&disk->out, slice_of(block->data + from, block->len - from));
}

static int write_out(struct spool_disk *disk) {
    ssize_t len = write(disk->fd, disk->out.data, disk->out.len);

    if (len < 0)
        return -errno;
    if ((size_t)len < disk->out.len)
        return -ENOSPC; /* a disk that is full takes a part */
    disk->newest->bytes += disk->out.len;
    disk->is_dirty = true;
    return 0;
}

static int save_block(struct spool_disk *disk, struct spool_block *block) {
    int r = 0;

    if (disk->fd >= 0 && disk->newest->bytes >= SEGMENT_BYTES && block->saved_len == 0)
        end_segment(disk);
    buf_clear(&disk->out);
    if (disk->fd < 0)
        r = begin_segment(disk);
    if (r < 0)
        return r;
    add_era(disk, block->era);
    add_catalogue(disk, block->catalogue);
    add_durable(disk, block->era);
    add_rows(disk, block);
    r = write_out(disk);
    if (r < 0)
        return r;
    disk->durable = (struct spool_cursor) { 0 };
    disk->newest->last = (struct spool_load_place) { block->era->order, block->last_seq };
    block->saved_len = block->len;
    return 0;
}

/* The newest segment ends with what is whole; what was not written stays in memory. */
static void fail(struct spool_disk *disk, int error, uint64_t now_ms) {
    struct segment *newest = disk->newest;

    if (!disk->is_failing)
        log_error("%s: %s; samples are kept in memory alone until the disk takes them "
                  "again",
                  disk->dir, strerror(-error));
    disk->is_failing = true;
    disk->retry_ms = now_ms + RETRY_MS;
    if (!newest)
        return;
    if (ftruncate(disk->fd, (off_t)newest->bytes) < 0)
        log_debug("%s: %s", disk->dir, strerror(errno));
    bool is_empty = newest->bytes == 0;
    end_segment(disk);
    if (is_empty)
        remove_segment(disk, newest);
}

/* The oldest block that is not wholly on disk; NULL when all are. */
static struct spool_block *find_unsaved(const struct spool *spool) {
    struct spool_block *found = NULL;

    for (struct list *at = spool->blocks.prev; at != &spool->blocks; at = at->prev) {
        struct spool_block *block = container_of(at, struct spool_block, node);
        if (block->saved_len == block->len)
            break;
        found = block;
    }
    return found;
}

void spool_disk_save(struct spool_disk *disk, struct spool *spool, uint64_t now_ms) {
    struct spool_block *block;
    int r = 0;

    if (disk->is_failing)
        trim(disk, spool);
    if (disk->is_failing && now_ms < disk->retry_ms)
        return;
    while (r == 0 && (block = find_unsaved(spool)))
        r = save_block(disk, block);
    if (r < 0) {
        fail(disk, r, now_ms);
        return;
    }
    if (disk->is_failing)
        log_info("%s takes samples again; all that are held are on disk", disk->dir);
    disk->is_failing = false;
    trim(disk, spool); /* now that what is durable is noted */
    if (!disk->is_dirty || now_ms - disk->synced_ms < SYNC_MS)
        return;
    sync_file(disk, duplicate(disk->fd));
    disk->is_dirty = false;
    disk->synced_ms = now_ms;
}

void spool_disk_durable(struct spool_disk *disk, const struct spool_era *era) {
    if (era->order < disk->durable_order)
        return; /* a stream that drains is behind */
    disk->durable_order = era->order;
    disk->durable =
        (struct spool_cursor) { .epoch = era->start.epoch, .seq = era->done_seq };
}

void spool_disk_forget_block(struct spool_disk *disk, const struct spool_block *block) {
    if (disk->block == block)
        disk->block = NULL;
}

size_t spool_disk_bytes(const struct spool_disk *disk) {
    size_t bytes = 0;

    list_for_each_safe(node, after, &disk->segments) bytes +=
        container_of(node, struct segment, node)->bytes;
    return bytes;
}

bool spool_disk_is_well(const struct spool_disk *disk) {
    return !disk->is_failing;
}
