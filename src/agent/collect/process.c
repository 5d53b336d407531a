/*
 * process - how many processes there are, and how many of them are zombies
 *
 * Needs a look at each process, so it is done seldom, and more seldom when there are
 * many. The number of open files of all, one small file, is taken here too.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/collect/collector.h"
#include "agent/collect/text.h"
#include "base/mem.h"

enum {
    FILES_EVERY_S = 5,
    COUNT_EVERY_S = 30,
};

struct process {
    struct source files;
    DIR *proc; /* owned; NULL until it was opened */
    uint64_t next_files_ns, next_count_ns;
    int open_files, count, zombies; /* places */
};

static void *process_new(const struct sampling *sampling) {
    struct process *process = mem_new(sizeof(*process));
    source_init(&process->files, collector_proc_path(sampling, "sys/fs/file-nr"));
    return process;
}

static void process_free(void *self) {
    struct process *process = self;
    source_done(&process->files);
    if (process->proc)
        closedir(process->proc);
    free(process);
}

static bool process_scan(void *self, struct sampling *sampling) {
    struct process *process = self;
    bool has_changed =
        !source_is_open(&process->files) && source_open(&process->files) == 0;

    if (!process->proc) {
        process->proc = opendir(sampling->config.proc);
        has_changed |= process->proc != NULL;
    }
    return has_changed;
}

static void process_declare(void *self, struct sampling *sampling) {
    struct process *process = self;

    process->open_files = process->count = process->zombies = -1;
    if (process->proc) {
        process->count = collector_add(sampling, "proc.count", NULL);
        process->zombies = collector_add(sampling, "proc.zombies", NULL);
    }
    if (source_is_open(&process->files))
        process->open_files = collector_add(sampling, "files.open", NULL);
}

/* "4242 (a) name) S 1 ...": the state stands after the last bracket. */
static char state_of(int proc, const char *pid) {
    char path[32], text[512];

    snprintf(path, sizeof(path), "%.20s/stat", pid);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return '\0';
    ssize_t got = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (got <= 0)
        return '\0';
    text[got] = '\0';
    const char *bracket = strrchr(text, ')');
    return bracket && bracket[1] == ' ' ? bracket[2] : '\0';
}

static void take_count(struct process *process, struct sampling *sampling) {
    const struct dirent *entry;
    uint64_t count = 0, zombies = 0;

    rewinddir(process->proc);
    while ((entry = readdir(process->proc))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        char state = state_of(dirfd(process->proc), entry->d_name);
        count += state != '\0';
        zombies += state == 'Z';
    }
    collector_set(sampling, process->count, (int64_t)count);
    collector_set(sampling, process->zombies, (int64_t)zombies);
}

static void take_files(struct process *process, struct sampling *sampling) {
    uint64_t allocated_and_free[2];

    if (source_read(&process->files, &sampling->page) < 0)
        return;
    const char *at = sampling->page.text;
    if (text_numbers(&at, allocated_and_free, 2) == 2)
        collector_set(sampling, process->open_files, (int64_t)allocated_and_free[0]);
}

static void process_take(void *self, struct sampling *sampling) {
    struct process *process = self;

    if (process->open_files >= 0 &&
        collector_is_due(sampling, &process->next_files_ns, FILES_EVERY_S))
        take_files(process, sampling);
    if (process->count >= 0 &&
        collector_is_due(sampling, &process->next_count_ns, COUNT_EVERY_S)) {
        uint64_t began_ns = collector_used_ns();
        take_count(process, sampling);
        collector_put_off(sampling, &process->next_count_ns, began_ns);
    }
}

const struct collector process_collector = {
    .new = process_new,
    .free = process_free,
    .scan = process_scan,
    .declare = process_declare,
    .take = process_take,
};
