/* pictures FOLDER [SCENE...]: writes scenes (all) as FOLDER/SCENE.png. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "scenes.h"

static int write_scene(const char *folder, const char *name) {
    struct scene *scene = scenes_new(name);
    struct buf png = { 0 };

    if (!scene) {
        fprintf(stderr, "there is no scene %s\n", name);
        return -ENOENT;
    }
    auto_(mem_freep) char *path = mem_printf("%s/%s.png", folder, name);
    int r = chart_render(scenes_chart(scene), NULL, &png);
    if (r == 0)
        r = file_write_atomic(path, buf_slice(&png), 0644);
    printf("%-20s %6zu bytes %s\n", name, png.len, r < 0 ? strerror(-r) : "");
    buf_done(&png);
    scenes_free(scene);
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
