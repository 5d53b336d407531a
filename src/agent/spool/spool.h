/*
 * spool - keeps samples until the hub says that they are durable
 *
 * A sample is taken when it is in here. It is identified by epoch (one start of an agent)
 * and seq, from 1 without holes; its time is CLOCK_BOOTTIME of the boot that its epoch
 * belongs to. The spool is bounded by time and bytes: the oldest samples go first, are
 * counted, and a reader is told of them as lost.
 *
 *   take -> [oldest block] ... [open block] <- readers, each at its own place
 *                 ^ durable frees, and so does want of room
 *
 * With a folder every sample is on disk when spool_take() returns (power loss may take
 * the last 30 s), and a spool opened there later begins with what the earlier one held.
 * Without one, or while the disk is full, samples are in memory alone.
 *
 * The spool reads no clock: times come with the samples.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct metric_info;
struct spool;
struct spool_era;

enum {
    SPOOL_BOOT_ID_LEN = 16,
    SPOOL_BYTES_MIN = 256 << 10, /* room for some rows of the largest catalogue */
};

/* Names a sample; all 0 names none. */
struct spool_cursor {
    uint64_t epoch;
    uint64_t seq;
};

/* Both clocks at one instant. */
struct spool_anchor {
    uint64_t boot_ms;
    int64_t wall_ms;
};

/* What is the same for all samples of one start of an agent. */
struct spool_start {
    uint64_t epoch;
    uint8_t boot_id[SPOOL_BOOT_ID_LEN];
    uint32_t interval_ms;
};

struct spool_config {
    struct spool_start start; /* of this agent */
    uint64_t span_ms;         /* older samples go; 0: any age */
    size_t bytes_max;         /* at least SPOOL_BYTES_MIN */
    const char *dir;          /* copied: the folder; NULL: memory alone */
    /* Takes a descriptor, syncs it, perhaps later, and closes it; NULL: at once. */
    void (*sync)(void *arg, int fd);
    void *sync_arg; /* borrowed: outlives the spool */
};

/* One sample as it was read; all of it is copied. */
struct spool_sample {
    struct spool_anchor at; /* must not go back in boot time */
    uint32_t catalogue_id;  /* changes when the series do */
    const struct metric_info *series;
    size_t count;
    const int64_t *values;
};

struct spool_stats {
    uint64_t taken;   /* by this agent */
    uint64_t dropped; /* for want of room, not durable: lost */
    uint64_t loaded;  /* found on disk at the start */
    uint64_t told;    /* rows that readers have read, once for each reader */
    uint64_t durable; /* acknowledged */
    uint64_t waiting; /* of all that is known, neither durable nor told as lost to a store
                         that went on */
    uint64_t held;    /* samples in blocks now */
    size_t bytes;     /* that they occupy in memory */
    uint64_t damaged; /* segments on disk that could not be read to their end */
    size_t disk_bytes;
    bool is_on_disk; /* what is held is on disk as well */
};

/* Opens a spool. A folder that cannot be used is logged, and then memory must do. */
struct spool *spool_new(const struct spool_config *config);

/* Frees the spool; what is on disk stays. Asserts that it has no readers. NULL is fine;
 * always returns NULL. */
struct spool *spool_free(struct spool *spool);

/* The name of the newest sample; its seq is 0 before the first. */
struct spool_cursor spool_newest(const struct spool *spool);

/* Samples that follow are taken at another interval, perhaps of other series: readers get
 * a fresh catalogue with the next one. */
void spool_renew(struct spool *spool, uint32_t interval_ms);

/* Another span_ms. */
void spool_keep(struct spool *spool, uint64_t span_ms);

/* Takes a sample, which is then spool_newest(). */
void spool_take(struct spool *spool, const struct spool_sample *sample);

/* Everything up to here may be forgotten. False when the epoch is not known. */
bool spool_durable(struct spool *spool, struct spool_cursor cursor);

void spool_get_stats(const struct spool *spool, struct spool_stats *ret_stats);

/* What is the same for all samples of an era, and its order among the eras. */
const struct spool_start *spool_era_start(const struct spool_era *era);
uint64_t spool_era_order(const struct spool_era *era);
