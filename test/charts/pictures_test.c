/*
 * pictures_test EXPECTED NEW: draws the reference scenes and compares them with the
 * pictures in EXPECTED; those that look different are left in NEW. TAP on stdout.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "compare.h"
#include "scenes.h"

enum {
    WIDTH = 800, /* small enough to lie in a repository */
    HEIGHT = 420,
    FILE_MAX = 1 << 20,
};

/* Every standard kind, both themes, each kind of time axis, gaps, bands, no data. */
static const char *const references[] = {
    "cpu-24h",       "memory-30d", "net-24h-light", "disk-90d",     "gpu-6h",
    "vram-6h-light", "temp-1y",    "all-7d",        "all-7d-light", "frost-3d",
    "many-6h",       "empty",      "custom-summer", "phone",
};

enum { REFERENCE_COUNT = sizeof(references) / sizeof(references[0]) };

static int draw(const char *name, struct buf *png) {
    struct scene *scene = scenes_new(name);
    if (!scene)
        return -ENOENT;
    struct chart chart = *scenes_chart(scene);
    if (chart.scale == 1) {
        chart.width = WIDTH;
        chart.height = HEIGHT;
    }
    int r = chart_render(&chart, NULL, png);
    scenes_free(scene);
    return r;
}

static void say_difference(int r, const struct compare_difference *difference) {
    if (r == COMPARE_E_NO_PNG)
        printf("# there is no reference picture\n");
    else if (r == COMPARE_E_SIZE)
        printf("# the size differs\n");
    else
        printf("# differs by %d of 255 at %d, %d and %.3f on average\n", difference->most,
               difference->x, difference->y, difference->mean);
}

/* Compares one scene; says what to do when it looks different. */
static int check(const char *name, const char *expected_dir, const char *new_dir) {
    auto_(mem_freep) char *file = mem_printf("%s.png", name);
    auto_(mem_freep) char *expected_path = file_join(expected_dir, file);
    auto_(mem_freep) char *new_path = file_join(new_dir, file);
    struct compare_difference difference = { 0 };
    struct buf expected = { 0 };
    struct buf png = { 0 };

    int failed = draw(name, &png) < 0;
    file_read(expected_path, FILE_MAX, &expected);
    int r = compare_pictures(buf_slice(&expected), buf_slice(&png), &difference);
    if (r != 0 || !compare_is_same(&difference)) {
        failed = 1;
        say_difference(r, &difference);
        file_make_dirs(new_dir, 0755);
        file_write_atomic(new_path, buf_slice(&png), 0644);
        printf("# look at both; if the new one is right: cp %s %s\n", new_path,
               expected_path);
    }
    buf_done(&expected);
    buf_done(&png);
    return failed;
}

/* Would the comparison find a change that a person finds? */
static int check_sharpness(const char *one, const char *other) {
    struct compare_difference difference = { 0 };
    struct buf a = { 0 };
    struct buf b = { 0 };
    int failed = draw(one, &a) < 0 || draw(other, &b) < 0 ||
                 compare_pictures(buf_slice(&a), buf_slice(&b), &difference) != 0 ||
                 compare_is_same(&difference);

    buf_done(&a);
    buf_done(&b);
    return failed;
}

static int report(int failed, int number, const char *what) {
    printf("%sok %d - %s\n", failed ? "not " : "", number, what);
    return failed;
}

int main(int argc, char **argv) {
    int failed = 0;
    int number = 1;

    if (argc != 3) {
        fprintf(stderr, "pictures_test EXPECTED NEW\n");
        return 2;
    }
    printf("1..%d\n", REFERENCE_COUNT + 2);
    for (int i = 0; i < REFERENCE_COUNT; i++, number++)
        failed |= report(check(references[i], argv[1], argv[2]), number, references[i]);
    failed |= report(check_sharpness("gpu-6h", "gpu-6h-moved"), number++,
                     "a_line_that_moved_by_two_pixels_is_seen");
    failed |= report(check_sharpness("gpu-6h", "gpu-6h-renamed"), number,
                     "a_letter_that_changed_is_seen");
    return failed;
}
