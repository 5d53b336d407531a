#include "agent/collect/folder.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { NAMES_MAX = 4096 }; /* more devices than a sane host has */

static int compare(const void *a, const void *b) {
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

void folder_list(struct folder *folder, const char *path, const char *pattern) {
    struct dirent *entry;
    DIR *dir = opendir(path);

    *folder = (struct folder) { 0 };
    if (!dir)
        return;
    while ((entry = readdir(dir)) && folder->count < NAMES_MAX) {
        if (entry->d_name[0] == '.' || fnmatch(pattern, entry->d_name, 0) != 0)
            continue;
        folder->names =
            mem_grow(folder->names, (folder->count + 1) * sizeof(*folder->names));
        folder->names[folder->count++] = mem_strdup(entry->d_name);
    }
    closedir(dir);
    if (folder->count > 1)
        qsort(folder->names, folder->count, sizeof(*folder->names), compare);
}

void folder_done(struct folder *folder) {
    for (size_t i = 0; i < folder->count; i++)
        free(folder->names[i]);
    free(folder->names);
    *folder = (struct folder) { 0 };
}

uint64_t folder_fingerprint(const struct folder *folder) {
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

    for (size_t i = 0; i < folder->count; i++) {
        for (const char *c = folder->names[i]; *c; c++)
            hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
        hash = (hash ^ '/') * UINT64_C(1099511628211);
    }
    return hash ? hash : 1;
}
