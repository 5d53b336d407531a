/* pictures FOLDER [SCENE...]: writes scenes (all) as FOLDER/SCENE.png. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "scenes.h"

static int write_scene(const char *folder, const char *name) {
    struct buf png = { 0 };
    struct timespec from;
    struct timespec to;

    clock_gettime(CLOCK_MONOTONIC, &from);
    int r = scenes_render(name, &png);
    clock_gettime(CLOCK_MONOTONIC, &to);
    auto_(mem_freep) char *path = mem_printf("%s/%s.png", folder, name);
    if (r == 0)
        r = file_write_atomic(path, buf_slice(&png), 0644);
    printf("%-20s %6zu bytes %6.2f ms %s\n", name, png.len,
           (double)(to.tv_sec - from.tv_sec) * 1e3 +
               (double)(to.tv_nsec - from.tv_nsec) / 1e6,
           r < 0 ? strerror(-r) : "");
    buf_done(&png);
    return r;
}

int main(int argc, char **argv) {
    int failed = 0;

    if (argc < 2) {
        fprintf(stderr, "pictures FOLDER [SCENE...]\n");
        return 2;
    }
    for (int i = 2; i < argc; i++)
        failed |= write_scene(argv[1], argv[i]);
    for (size_t i = 0; argc == 2 && scenes_name(i); i++)
        failed |= write_scene(argv[1], scenes_name(i));
    return failed != 0;
}
