#include "agent/collect/proc_files.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"

struct proc_files {
    struct proc_kept *items; /* owned; in the order of their numbers */
    size_t count;
    size_t cap;
    size_t max;
    size_t at; /* behind the one found last: they are asked for in order */
};

struct proc_files *proc_files_new(size_t max) {
    struct proc_files *files = mem_new(sizeof(*files));

    files->max = max < PROC_FILES_MAX ? max : PROC_FILES_MAX;
    return files;
}

struct proc_files *proc_files_free(struct proc_files *files) {
    if (!files)
        return NULL;
    proc_files_clear(files);
    free(files);
    return NULL;
}

size_t proc_files_room(void) {
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    return limit.rlim_cur / 2 < PROC_FILES_MAX ? (size_t)(limit.rlim_cur / 2)
                                               : PROC_FILES_MAX;
}

/* Where the process stands, or would stand. */
static size_t place_of(const struct proc_files *files, uint32_t pid) {
    size_t low = 0, high = files->count;

    if (files->at > 0 && files->items[files->at - 1].pid < pid) {
        if (files->at == high || files->items[files->at].pid >= pid)
            return files->at;
        low = files->at;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (files->items[middle].pid < pid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool stands_at(const struct proc_files *files, size_t at, uint32_t pid) {
    return at < files->count && files->items[at].pid == pid;
}

struct proc_kept *proc_files_find(struct proc_files *files, uint32_t pid) {
    if (!files)
        return NULL;
    size_t at = place_of(files, pid);
    if (!stands_at(files, at, pid))
        return NULL;
    files->items[at].is_asked_for = true;
    files->at = at + 1;
    return &files->items[at];
}

bool proc_files_has_room(const struct proc_files *files) {
    return files && files->count < files->max;
}

void proc_files_keep(struct proc_files *files, uint32_t pid, int fd, bool tells_runs) {
    size_t at = place_of(files, pid);

    assert(files->count < files->max && !stands_at(files, at, pid));
    if (files->count == files->cap) {
        files->cap = files->cap ? 2 * files->cap : 64;
        files->items = mem_grow(files->items, files->cap * sizeof(*files->items));
    }
    memmove(&files->items[at + 1], &files->items[at],
            (files->count - at) * sizeof(*files->items));
    files->items[at] = (struct proc_kept) {
        .pid = pid,
        .fd = fd,
        .tells_runs = tells_runs,
        .is_asked_for = true,
    };
    files->count++;
    files->at = at + 1;
}

void proc_files_drop(struct proc_files *files, uint32_t pid) {
    size_t at = place_of(files, pid);

    if (!stands_at(files, at, pid))
        return;
    close(files->items[at].fd);
    files->count--;
    memmove(&files->items[at], &files->items[at + 1],
            (files->count - at) * sizeof(*files->items));
    files->at = at;
}

void proc_files_sweep(struct proc_files *files) {
    size_t left = 0;

    if (!files)
        return;
    for (size_t i = 0; i < files->count; i++) {
        struct proc_kept *kept = &files->items[i];
        if (!kept->is_asked_for) {
            close(kept->fd);
            continue;
        }
        kept->is_asked_for = false;
        if (left != i)
            files->items[left] = *kept;
        left++;
    }
    files->count = left;
    files->at = 0;
}

void proc_files_clear(struct proc_files *files) {
    if (!files)
        return;
    for (size_t i = 0; i < files->count; i++)
        close(files->items[i].fd);
    free(files->items);
    files->items = NULL;
    files->count = files->cap = files->at = 0;
}

size_t proc_files_count(const struct proc_files *files) {
    return files->count;
}
