#include "agent/collect/recorded.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"

enum {
    FILE_MAX = 1 << 20,
    FOLDERS_OPEN = 16,
};

/* Sizes of the file systems in the trees, in blocks of 4 KiB. */
static const struct {
    const char *folder;
    struct statvfs size;
} sizes[] = {
    { "/",
      { .f_frsize = 4096,
        .f_blocks = 1000000,
        .f_bfree = 400000,
        .f_bavail = 350000,
        .f_files = 1000,
        .f_ffree = 900 } },
    { "/home",
      { .f_frsize = 4096,
        .f_blocks = 2000000,
        .f_bfree = 1000000,
        .f_bavail = 1000000,
        .f_files = 1000,
        .f_ffree = 250 } },
    { "/mnt/my disk",
      { .f_frsize = 4096, .f_blocks = 500000, .f_bfree = 500000, .f_bavail = 500000 } },
    { "/mnt/stick", { .f_frsize = 4096, .f_blocks = 1000, .f_bfree = 1 } },
    { "/tank",
      { .f_frsize = 4096,
        .f_blocks = 3000000,
        .f_bfree = 1000000,
        .f_bavail = 1000000 } },
    { "/data",
      { .f_frsize = 4096, .f_blocks = 1000000, .f_bfree = 500000, .f_bavail = 500000 } },
};

/* What is not in the list must never be asked: it could hang. */
static int measure(const char *folder, struct statvfs *ret_size) {
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (strcmp(sizes[i].folder, folder) == 0) {
            *ret_size = sizes[i].size;
            return 0;
        }
    }
    fail_msg("%s was measured", folder);
    return -1;
}

static void copy_tree(const char *from, const char *to) {
    char *command = mem_printf("cp -r -- '%s/.' '%s'", from, to);
    CHECK_INT(system(command), 0); /* NOLINT(cert-env33-c): names are our own */
    free(command);
}

void recorded_init(struct recorded *host,
                   const char *tree,
                   const struct sampler_config *config) {
    struct sampler_config filled = config ? *config : (struct sampler_config) { 0 };
    const char *trees = getenv("TREES");

    CHECK(trees);
    *host = (struct recorded) { .root = mem_strdup("/tmp/recorded.XXXXXX") };
    CHECK(mkdtemp(host->root));
    char *from = file_join(trees, tree);
    copy_tree(from, host->root);
    free(from);
    char *proc = file_join(host->root, "proc"), *sys = file_join(host->root, "sys");
    filled.proc = proc;
    filled.sys = sys;
    filled.measure = measure;
    host->sampler = sampler_new(&filled);
    free(proc);
    free(sys);
    host->now_ns = UINT64_C(5000000000000);
}

static int on_entry(const char *path,
                    const struct stat *info,
                    int kind,
                    struct FTW *place) {
    return remove(path);
}

void recorded_done(struct recorded *host) {
    sampler_free(host->sampler);
    nftw(host->root, on_entry, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
    free(host->root);
}

void recorded_tick(struct recorded *host, uint64_t after_ms) {
    host->now_ns += after_ms * 1000000;
    CHECK_INT(sampler_take(host->sampler, host->now_ns), 0);
}

void recorded_put(struct recorded *host, const char *path, const char *text) {
    char *whole = file_join(host->root, path);

    if (text) {
        char *folder = mem_dup(whole, (size_t)(strrchr(whole, '/') - whole));
        file_make_dirs(folder, 0700);
        free(folder);
        FILE *file = fopen(whole, "we");
        CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
    } else {
        nftw(whole, on_entry, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
    }
    free(whole);
}

static const int64_t *find(const struct recorded *host, const char *series) {
    size_t count;
    const struct metric_info *infos = sampler_catalogue(host->sampler, &count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(infos[i].name, series) == 0)
            return &sampler_values(host->sampler)[i];
    return NULL;
}

int64_t recorded_value(const struct recorded *host, const char *series) {
    const int64_t *value = find(host, series);
    if (!value) {
        fail_msg("there is no series %s", series);
        abort();
    }
    return *value;
}

int recorded_has(const struct recorded *host, const char *series) {
    return find(host, series) != NULL;
}
