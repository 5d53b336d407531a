/*
 * spool_sync - waits for the disk on a thread of its own
 *
 * A card may take half a second to sync a file; meanwhile the loop goes on.
 */
#pragma once

struct loop;
struct spool_sync;

struct spool_sync *spool_sync_new(struct loop *loop);

/* Waits for what is under way. NULL is fine; always returns NULL. */
struct spool_sync *spool_sync_free(struct spool_sync *sync);

/* Takes the descriptor: syncs it soon, and closes it. arg is the spool_sync, so that this
 * fits spool_config. When too much waits it is closed unsynced, and the kernel writes it
 * in its own time. */
void spool_sync_file(void *arg, int fd);
