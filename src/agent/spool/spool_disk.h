/*
 * spool_disk - the part of a spool that outlives the agent
 *
 * A folder of segments (spool_segment.h), numbered in order, each of some 128 KiB. What
 * memory holds is written after each sample by one write(), so a killed agent loses
 * nothing; it reaches the disk itself at the end of a segment and at the latest after 30
 * s. Segments whose samples are durable or dropped are removed. While the disk takes
 * nothing, samples stay in memory, and it is tried again every 30 s.
 *
 * The folder is locked: a second agent on it gets -EWOULDBLOCK.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/spool/spool.h"

struct spool_block;
struct spool_disk;

/* Opens and locks the folder, which is made if need be: 0 or -errno. */
int spool_disk_open(const struct spool_config *config, struct spool_disk **ret_disk);

/* Syncs and closes; what is there stays. NULL is fine; always returns NULL. */
struct spool_disk *spool_disk_free(struct spool_disk *disk);

/* Puts what the folder holds into the spool, which has no era of its own yet. */
void spool_disk_load(struct spool_disk *disk, struct spool *spool);

/* Writes what the spool holds and the disk does not, and removes segments that it does
 * not need any more. now_ms is any clock that goes on. */
void spool_disk_save(struct spool_disk *disk, struct spool *spool, uint64_t now_ms);

/* The next write says how much of the era is durable, and all before it. */
void spool_disk_durable(struct spool_disk *disk, const struct spool_era *era);

/* The block is gone. */
void spool_disk_forget_block(struct spool_disk *disk, const struct spool_block *block);

/* How many bytes of segments there are, and whether the disk takes what it is given. */
size_t spool_disk_bytes(const struct spool_disk *disk);
bool spool_disk_is_well(const struct spool_disk *disk);
