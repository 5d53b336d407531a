/*
 * history_testing_vfs - a disk that fails, and that forgets what was not synced
 *
 * A VFS of SQLite over the usual one, made the default. It remembers what was written to
 * each file since its last sync; at the given operation the power fails: what the disk
 * would have after that is made of a random part of those writes, and nothing works any
 * more. Or operations fail for a while, as on a full or broken disk.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/mem.h"

enum { VFS_FILES = 8, VFS_SECTOR = 512 };

/* One change since the last sync. */
struct vfs_change {
    bool is_cut; /* a truncation to offset, else a write there */
    int64_t offset;
    int len;
    uint8_t *bytes; /* owned */
};

/* What the disk holds for sure, and what came after. */
struct vfs_image {
    char path[160];
    uint8_t *synced; /* owned */
    int64_t len;
    int64_t cap;
    struct vfs_change *changes; /* owned */
    size_t count;
};

struct vfs {
    sqlite3_vfs base; /* first */
    sqlite3_vfs *real;
    pthread_mutex_t lock;
    struct vfs_image images[VFS_FILES];
    uint64_t random;
    int64_t until_loss; /* operations; 0: never */
    atomic_bool is_lost;
    atomic_int failure;  /* SQLite's code for writes and syncs; 0: none */
    atomic_int failures; /* how often that was answered */
};

struct vfs_file {
    sqlite3_file base; /* first */
    struct vfs *vfs;
    struct vfs_image *image; /* NULL: a file that is not looked at */
    sqlite3_file *real;      /* behind this struct */
};

static inline struct vfs_file *vfs_of(sqlite3_file *file) {
    return (struct vfs_file *)(void *)file;
}

static inline uint64_t vfs_pick(struct vfs *vfs, uint64_t below) {
    vfs->random = vfs->random * 6364136223846793005u + 1442695040888963407u;
    return (vfs->random >> 33) % below;
}

static inline void vfs_apply(struct vfs_image *image, const struct vfs_change *change) {
    int64_t end = change->offset + change->len;
    if (change->is_cut) {
        image->len = change->offset < image->len ? change->offset : image->len;
        return;
    }
    if (end > image->cap) {
        image->cap = 2 * end;
        image->synced = mem_grow(image->synced, (size_t)image->cap);
    }
    if (end > image->len) {
        memset(image->synced + image->len, 0, (size_t)(end - image->len));
        image->len = end;
    }
    memcpy(image->synced + change->offset, change->bytes, (size_t)change->len);
}

static inline void vfs_forget(struct vfs_image *image) {
    for (size_t i = 0; i < image->count; i++)
        free(image->changes[i].bytes);
    free(image->changes);
    image->changes = NULL;
    image->count = 0;
}

static inline void vfs_note(struct vfs_image *image, const struct vfs_change *change) {
    image->changes =
        mem_grow(image->changes, (image->count + 1) * sizeof(*image->changes));
    image->changes[image->count++] = *change;
}

/* Some of the changes got to the disk, some only with their first sectors. */
static inline void vfs_lose_power(struct vfs *vfs) {
    for (size_t i = 0; i < VFS_FILES; i++) {
        struct vfs_image *image = &vfs->images[i];
        uint64_t kept_of_4 = vfs_pick(vfs, 5);
        for (size_t j = 0; j < image->count; j++) {
            struct vfs_change change = image->changes[j];
            if (vfs_pick(vfs, 4) >= kept_of_4)
                continue;
            if (!change.is_cut && change.len > VFS_SECTOR && vfs_pick(vfs, 4) == 0)
                change.len =
                    VFS_SECTOR * (int)vfs_pick(vfs, (uint64_t)change.len / VFS_SECTOR);
            vfs_apply(image, &change);
        }
        vfs_forget(image);
    }
    atomic_store(&vfs->is_lost, true);
}

/* Before each operation that changes a file: SQLITE_OK, or what to fail with. */
static inline int vfs_begin(struct vfs_file *file, int lost_code) {
    struct vfs *vfs = file->vfs;
    if (!atomic_load(&vfs->is_lost) && vfs->until_loss > 0 && --vfs->until_loss == 0)
        vfs_lose_power(vfs);
    if (atomic_load(&vfs->is_lost))
        return lost_code;
    int failure = atomic_load(&vfs->failure);
    if (failure != 0)
        atomic_fetch_add(&vfs->failures, 1);
    return failure;
}

static inline int vfs_close(sqlite3_file *file) {
    struct vfs_file *own = vfs_of(file);
    return own->real->pMethods->xClose(own->real);
}

static inline int vfs_read(sqlite3_file *file, void *at, int len, sqlite3_int64 offset) {
    struct vfs_file *own = vfs_of(file);
    return own->real->pMethods->xRead(own->real, at, len, offset);
}

static inline int vfs_change(struct vfs_file *own, const struct vfs_change *change) {
    struct vfs *vfs = own->vfs;

    pthread_mutex_lock(&vfs->lock);
    int code = vfs_begin(own, SQLITE_IOERR_WRITE);
    if (code == SQLITE_OK && own->image) {
        struct vfs_change copy = *change;
        copy.bytes = change->is_cut ? NULL : mem_dup(change->bytes, (size_t)change->len);
        vfs_note(own->image, &copy);
    }
    if (code == SQLITE_OK)
        code = change->is_cut ? own->real->pMethods->xTruncate(own->real, change->offset)
                              : own->real->pMethods->xWrite(own->real, change->bytes,
                                                            change->len, change->offset);
    pthread_mutex_unlock(&vfs->lock);
    return code;
}

static inline int vfs_write(sqlite3_file *file,
                            const void *bytes,
                            int len,
                            sqlite3_int64 offset) {
    return vfs_change(
        vfs_of(file),
        &(struct vfs_change) { .offset = offset, .len = len, .bytes = (uint8_t *)bytes });
}

static inline int vfs_truncate(sqlite3_file *file, sqlite3_int64 len) {
    return vfs_change(vfs_of(file),
                      &(struct vfs_change) { .is_cut = true, .offset = len });
}

static inline int vfs_sync(sqlite3_file *file, int flags) {
    struct vfs_file *own = vfs_of(file);

    (void)flags; /* the real disk need not be synced: it is not the one that fails */
    pthread_mutex_lock(&own->vfs->lock);
    int code = vfs_begin(own, SQLITE_IOERR_FSYNC);
    if (code == SQLITE_OK && own->image) {
        for (size_t i = 0; i < own->image->count; i++)
            vfs_apply(own->image, &own->image->changes[i]);
        vfs_forget(own->image);
    }
    pthread_mutex_unlock(&own->vfs->lock);
    return code;
}

#define VFS_PASS(name, method, params, args)                                             \
    static inline int name params {                                                      \
        struct vfs_file *own = vfs_of(file);                                             \
        return own->real->pMethods->method args;                                         \
    }

VFS_PASS(vfs_size, xFileSize, (sqlite3_file * file, sqlite3_int64 *len), (own->real, len))
VFS_PASS(vfs_lock, xLock, (sqlite3_file * file, int level), (own->real, level))
VFS_PASS(vfs_unlock, xUnlock, (sqlite3_file * file, int level), (own->real, level))
VFS_PASS(vfs_check_lock,
         xCheckReservedLock,
         (sqlite3_file * file, int *held),
         (own->real, held))
VFS_PASS(vfs_control,
         xFileControl,
         (sqlite3_file * file, int op, void *arg),
         (own->real, op, arg))
VFS_PASS(vfs_shm_map,
         xShmMap,
         (sqlite3_file * file, int page, int len, int extend, void volatile **at),
         (own->real, page, len, extend, at))
VFS_PASS(vfs_shm_lock,
         xShmLock,
         (sqlite3_file * file, int offset, int count, int flags),
         (own->real, offset, count, flags))
VFS_PASS(vfs_shm_unmap, xShmUnmap, (sqlite3_file * file, int remove), (own->real, remove))

static inline void vfs_shm_barrier(sqlite3_file *file) {
    vfs_of(file)->real->pMethods->xShmBarrier(vfs_of(file)->real);
}

/* No promise of a sector that is written whole, nor of writes in order. */
static inline int vfs_sector(sqlite3_file *file) {
    (void)file;
    return VFS_SECTOR;
}

static inline int vfs_traits(sqlite3_file *file) {
    (void)file;
    return 0;
}

static const sqlite3_io_methods vfs_methods = {
    .iVersion = 2,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_unlock,
    .xCheckReservedLock = vfs_check_lock,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector,
    .xDeviceCharacteristics = vfs_traits,
    .xShmMap = vfs_shm_map,
    .xShmLock = vfs_shm_lock,
    .xShmBarrier = vfs_shm_barrier,
    .xShmUnmap = vfs_shm_unmap,
};

static inline struct vfs_image *vfs_find_image(struct vfs *vfs, const char *path) {
    for (size_t i = 0; i < VFS_FILES; i++) {
        if (vfs->images[i].path[0] == '\0')
            snprintf(vfs->images[i].path, sizeof(vfs->images[i].path), "%s", path);
        if (strcmp(vfs->images[i].path, path) == 0)
            return &vfs->images[i];
    }
    return NULL;
}

static inline int vfs_open(
    sqlite3_vfs *base, const char *path, sqlite3_file *file, int flags, int *ret_flags) {
    struct vfs *vfs = (struct vfs *)(void *)base;
    struct vfs_file *own = vfs_of(file);
    bool is_watched = flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL);

    *own = (struct vfs_file) { .vfs = vfs, .real = (sqlite3_file *)(void *)(own + 1) };
    pthread_mutex_lock(&vfs->lock);
    if (is_watched && path)
        own->image = vfs_find_image(vfs, path);
    pthread_mutex_unlock(&vfs->lock);
    int code = vfs->real->xOpen(vfs->real, path, own->real, flags, ret_flags);
    own->base.pMethods = own->real->pMethods ? &vfs_methods : NULL;
    return code;
}

static inline int vfs_delete(sqlite3_vfs *base, const char *path, int sync) {
    struct vfs *vfs = (struct vfs *)(void *)base;

    pthread_mutex_lock(&vfs->lock);
    bool is_lost = atomic_load(&vfs->is_lost);
    for (size_t i = 0; !is_lost && i < VFS_FILES; i++)
        if (strcmp(vfs->images[i].path, path) == 0) {
            vfs_forget(&vfs->images[i]);
            vfs->images[i].len = 0;
        }
    pthread_mutex_unlock(&vfs->lock);
    return is_lost ? SQLITE_IOERR_DELETE : vfs->real->xDelete(vfs->real, path, sync);
}

static inline void vfs_init(struct vfs *vfs, uint64_t seed) {
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);

    memset(vfs, 0, sizeof(*vfs));
    vfs->base = *real;
    vfs->base.pNext = NULL;
    vfs->base.zName = "failing";
    vfs->base.szOsFile = (int)sizeof(struct vfs_file) + real->szOsFile;
    vfs->base.xOpen = vfs_open;
    vfs->base.xDelete = vfs_delete;
    vfs->real = real;
    vfs->random = seed * 2 + 1;
    pthread_mutex_init(&vfs->lock, NULL);
    sqlite3_vfs_register(&vfs->base, 1);
}

static inline void vfs_done(struct vfs *vfs) {
    sqlite3_vfs_unregister(&vfs->base);
    sqlite3_vfs_register(vfs->real, 1);
    for (size_t i = 0; i < VFS_FILES; i++) {
        vfs_forget(&vfs->images[i]);
        free(vfs->images[i].synced);
    }
    pthread_mutex_destroy(&vfs->lock);
}

/* Writes what the disk has after the power failed, under another name. */
static inline void vfs_save(const struct vfs *vfs, const char *from, const char *to) {
    for (size_t i = 0; i < VFS_FILES; i++) {
        const struct vfs_image *image = &vfs->images[i];
        size_t len = strlen(from);
        if (strncmp(image->path, from, len) != 0)
            continue;
        auto_(mem_freep) char *path = mem_printf("%s%s", to, image->path + len);
        FILE *file = fopen(path, "w");
        if (image->len > 0)
            fwrite(image->synced, 1, (size_t)image->len, file);
        fclose(file);
    }
}
