/*
 * block - reads and writes of whole disks, from /proc/diskstats
 *
 * Disks count once: not their partitions, and not what lies on top of them (device
 * mapper, RAID, bcache, DRBD, ZFS volumes). Where nothing else is there, as in a
 * container, what lies on top counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/collect/collector.h"
#include "agent/collect/text.h"
#include "base/mem.h"

static const char never[] = "loop*,ram*,zram*,sr[0-9]*,fd[0-9]*,mtdblock*,mmcblk*boot*,"
                            "mmcblk*rpmb,nvme*c*n*";
static const char on_top[] = "dm-*,md[0-9]*,md_*,bcache*,drbd*,zd[0-9]*";

enum { READ, WRITE, READ_OPS, WRITE_OPS, AWAIT, BUSY, FIGURES };

static const char *const names[FIGURES] = {
    [READ] = "disk.read",           [WRITE] = "disk.write", [READ_OPS] = "disk.read_ops",
    [WRITE_OPS] = "disk.write_ops", [AWAIT] = "disk.await", [BUSY] = "disk.busy",
};

/* Columns after the name (the kernel's Documentation/admin-guide/iostats.rst). */
enum {
    READS = 0,
    SECTORS_READ = 2,
    MS_READING = 3,
    WRITES = 4,
    SECTORS_WRITTEN = 6,
    MS_WRITING = 7,
    IN_FLIGHT = 8,
    MS_BUSY = 9,
    COLUMNS = 10
};

enum {
    NAME_MAX_LEN = 32, /* DISK_NAME_LEN of the kernel */
    SECTOR = 512,      /* in this file always */
};

struct disk {
    char name[NAME_MAX_LEN];
    bool is_counted;
    bool is_whole;
    struct counter counters[COLUMNS];
    int places[FIGURES];
};

struct block {
    struct source stats;
    struct disk *disks; /* owned; count of them, in the order of the file */
    size_t count;
    int sums[FIGURES]; /* places */
};

/* What one disk did since the tick before. */
struct work {
    uint64_t by[COLUMNS];
    bool is_known;
};

static void *block_new(const struct sampling *sampling) {
    struct block *block = mem_new(sizeof(*block));
    source_init(&block->stats, collector_proc_path(sampling, "diskstats"));
    return block;
}

static void block_free(void *self) {
    struct block *block = self;
    source_done(&block->stats);
    free(block->disks);
    free(block);
}

/* Takes "   8    0 sda"; false when the line has no such form. */
static bool take_name(const char **at, char ret_name[static NAME_MAX_LEN]) {
    uint64_t number[2];
    const char *word;
    size_t len;

    if (text_numbers(at, number, 2) != 2 || !text_word(at, &word, &len) ||
        len >= NAME_MAX_LEN)
        return false;
    memcpy(ret_name, word, len);
    ret_name[len] = '\0';
    return true;
}

static struct disk *find(struct block *block, const char *name, size_t hint) {
    if (hint < block->count && strcmp(block->disks[hint].name, name) == 0)
        return &block->disks[hint];
    for (size_t i = 0; i < block->count; i++)
        if (strcmp(block->disks[i].name, name) == 0)
            return &block->disks[i];
    return NULL;
}

/* A whole disk with a size: nbd0 to nbd15 are there without any. */
static bool is_whole(const struct sampling *sampling, const char *name) {
    char size[32];
    char *path = mem_printf("%s/block/%s/size", sampling->config.sys, name);
    for (char *c = path + strlen(sampling->config.sys) + strlen("/block/");
         c < path + strlen(path) - strlen("/size"); c++)
        if (*c == '/')
            *c = '!'; /* cciss/c0d0 is cciss!c0d0 in sysfs */
    int r = source_peek(path, size, sizeof(size));
    free(path);
    return r == 0 && strcmp(size, "0") != 0;
}

static void choose(struct block *block, const struct sampling *sampling) {
    bool any_below = false;

    for (size_t i = 0; i < block->count; i++)
        any_below |= block->disks[i].is_whole &&
                     !text_list_matches(never, block->disks[i].name) &&
                     !text_list_matches(on_top, block->disks[i].name);
    for (size_t i = 0; i < block->count; i++) {
        struct disk *disk = &block->disks[i];
        bool by_default = disk->is_whole && !text_list_matches(never, disk->name) &&
                          !(any_below && text_list_matches(on_top, disk->name));
        disk->is_counted =
            collector_chooses(&sampling->config.disks, disk->name, by_default);
    }
}

/* Reads the names anew; what was known keeps its counters. */
static void read_disks(struct block *block, struct sampling *sampling) {
    struct disk *disks = NULL;
    size_t count = 0, cap = 0;
    char name[NAME_MAX_LEN];

    const char *at = sampling->page.text;
    for (; take_name(&at, name); at = text_next_line(at)) {
        if (count == cap) {
            cap = cap ? cap * 2 : 16;
            disks = mem_grow(disks, cap * sizeof(*disks));
        }
        struct disk *old = find(block, name, count);
        disks[count] = old ? *old : (struct disk) { 0 };
        memcpy(disks[count].name, name, sizeof(name));
        disks[count].is_whole = is_whole(sampling, name);
        count++;
    }
    free(block->disks);
    block->disks = disks;
    block->count = count;
    choose(block, sampling);
}

/* A number that differs when the counted names do (FNV-1a). */
static uint64_t fingerprint(const struct block *block) {
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < block->count; i++) {
        if (!block->disks[i].is_counted)
            continue;
        for (const char *c = block->disks[i].name; *c; c++)
            hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
        hash = (hash ^ ' ') * UINT64_C(1099511628211);
    }
    return hash;
}

static bool block_scan(void *self, struct sampling *sampling) {
    struct block *block = self;
    uint64_t before = fingerprint(block);

    if (source_open(&block->stats) < 0 || source_read(&block->stats, &sampling->page) < 0)
        return false;
    read_disks(block, sampling);
    return fingerprint(block) != before;
}

static void block_declare(void *self, struct sampling *sampling) {
    struct block *block = self;
    bool any = false;

    for (size_t i = 0; i < block->count; i++)
        any |= block->disks[i].is_counted;
    for (size_t f = 0; f < FIGURES; f++)
        block->sums[f] = any ? collector_add(sampling, names[f], NULL) : -1;
    for (size_t i = 0; i < block->count; i++)
        for (size_t f = 0; f < FIGURES; f++)
            block->disks[i].places[f] =
                block->disks[i].is_counted
                    ? collector_add(sampling, names[f], block->disks[i].name)
                    : -1;
}

static struct work take_work(struct disk *disk, const uint64_t now[static COLUMNS]) {
    struct work work = { .is_known = true };

    for (size_t i = 0; i < COLUMNS; i++) {
        /* The number of requests in flight is no counter. */
        bool is_good = collector_grew(&disk->counters[i], now[i], &work.by[i]);
        work.is_known &= is_good || i == IN_FLIGHT;
    }
    return work;
}

/* Work per second, in whole units. */
static int64_t per_second(const struct sampling *sampling, uint64_t amount) {
    return (int64_t)((double)amount * 1e9 / (double)sampling->elapsed_ns + 0.5);
}

static void set_figures(struct sampling *sampling,
                        const int places[static FIGURES],
                        const struct work *work) {
    bool is_known = work->is_known && sampling->elapsed_ns > 0;
    int64_t values[FIGURES];

    for (size_t f = 0; f < FIGURES; f++)
        values[f] = SAMPLER_ABSENT;
    if (is_known) {
        const uint64_t *by = work->by;
        uint64_t ops = by[READS] + by[WRITES];
        uint64_t waited_ms = by[MS_READING] + by[MS_WRITING];
        values[READ] = per_second(sampling, by[SECTORS_READ] * SECTOR);
        values[WRITE] = per_second(sampling, by[SECTORS_WRITTEN] * SECTOR);
        values[READ_OPS] = per_second(sampling, by[READS]);
        values[WRITE_OPS] = per_second(sampling, by[WRITES]);
        values[AWAIT] = ops ? (int64_t)((waited_ms * 10 + ops / 2) / ops) : 0;
        values[BUSY] = collector_share(by[MS_BUSY] * 1000000, sampling->elapsed_ns);
    }
    for (size_t f = 0; f < FIGURES; f++)
        collector_set(sampling, places[f], values[f]);
}

static void add_work(struct work *sum, const struct work *work) {
    if (!work->is_known)
        return;
    sum->is_known = true;
    for (size_t i = 0; i < COLUMNS; i++)
        if (i != MS_BUSY)
            sum->by[i] += work->by[i];
    if (sum->by[MS_BUSY] < work->by[MS_BUSY])
        sum->by[MS_BUSY] = work->by[MS_BUSY];
}

static void block_take(void *self, struct sampling *sampling) {
    struct block *block = self;
    struct work sum = { .is_known = false };
    char name[NAME_MAX_LEN];
    size_t line = 0;

    if (source_read(&block->stats, &sampling->page) < 0)
        return;
    const char *at = sampling->page.text;
    for (; take_name(&at, name); at = text_next_line(at), line++) {
        uint64_t now[COLUMNS] = { 0 };
        struct disk *disk = find(block, name, line);
        if (!disk)
            sampling->wants_scan = true;
        if (!disk || !disk->is_counted || text_numbers(&at, now, COLUMNS) != COLUMNS)
            continue;
        struct work work = take_work(disk, now);
        set_figures(sampling, disk->places, &work);
        add_work(&sum, &work);
    }
    sampling->wants_scan |= line != block->count;
    set_figures(sampling, block->sums, &sum);
}

const struct collector block_collector = {
    .new = block_new,
    .free = block_free,
    .scan = block_scan,
    .declare = block_declare,
    .take = block_take,
};
