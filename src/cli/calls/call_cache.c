#include "cli/calls/call_cache.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"

enum {
    AGE_MAX_S = 60,      /* services come and go with their back ends */
    BYTES_MAX = 1 << 20, /* of a file: more names than anybody completes */
    NAME_LEN = 8,        /* bytes of a digest: enough that no two nodes meet */
};

/* The folder, or NULL when there is no place for one. */
static char *folder_of_user(void) {
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");

    if (cache && *cache == '/')
        return mem_printf("%s/roost", cache);
    return home && *home == '/' ? mem_printf("%s/.cache/roost", home) : NULL;
}

/* Names of hubs and nodes are no names of files. */
static char *path_of(const char *folder, const char *hub, const char *node) {
    auto_(mem_freep) char *both = mem_printf("%s\n%s", hub, node ? node : "");
    uint8_t digest[CRYPTO_SHA256_LEN];
    char name[2 * NAME_LEN + 1];

    crypto_sha256(both, strlen(both), digest);
    hex_encode(name, digest, NAME_LEN);
    return mem_printf("%s/methods-%s", folder, name);
}

bool call_cache_read(const char *hub, const char *node, struct buf *out) {
    auto_(mem_freep) char *folder = folder_of_user();
    struct stat status;

    if (!folder)
        return false;
    auto_(mem_freep) char *path = path_of(folder, hub, node);
    if (stat(path, &status) < 0)
        return false;
    int64_t age = (int64_t)time(NULL) - (int64_t)status.st_mtime;
    return age >= 0 && age <= AGE_MAX_S && file_read(path, BYTES_MAX, out) == 0;
}

void call_cache_write(const char *hub, const char *node, struct slice names) {
    auto_(mem_freep) char *folder = folder_of_user();

    if (!folder || file_make_dirs(folder, 0700) < 0)
        return;
    auto_(mem_freep) char *path = path_of(folder, hub, node);
    file_write_atomic(path, names, 0600);
}
