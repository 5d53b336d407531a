#include "compare.h"

#include <stdlib.h>

#include <png.h>

#include "base/mem.h"

enum {
    REACH = 2,     /* of the blur, to each side */
    MOST_MAX = 26, /* a tenth of black to white, blurred */
};

static const double MEAN_MAX = 0.25;

struct picture {
    int width;
    int height;
    uint8_t *rgb; /* owned */
};

static int decode(struct slice png, struct picture *ret_picture) {
    png_image image = { .version = PNG_IMAGE_VERSION };

    if (!png_image_begin_read_from_memory(&image, png.at, png.len))
        return COMPARE_E_NO_PNG;
    image.format = PNG_FORMAT_RGB;
    uint8_t *rgb = mem_new(PNG_IMAGE_SIZE(image));
    if (!png_image_finish_read(&image, NULL, rgb, 0, NULL)) {
        free(rgb);
        return COMPARE_E_NO_PNG;
    }
    *ret_picture = (struct picture) { (int)image.width, (int)image.height, rgb };
    return 0;
}

static int clamp(int value, int end) {
    if (value < 0)
        return 0;
    return value < end ? value : end - 1;
}

/* Sums of the differences along rows; columns are summed up by the caller. */
static int row_sum(
    const struct picture *a, const struct picture *b, int x, int y, int channel) {
    int sum = 0;

    for (int k = -REACH; k <= REACH; k++) {
        size_t row = (size_t)y * (size_t)a->width;
        size_t at = (row + (size_t)clamp(x + k, a->width)) * 3 + (size_t)channel;
        sum += a->rgb[at] - b->rgb[at];
    }
    return sum;
}

static void compare_channel(const struct picture *a,
                            const struct picture *b,
                            int channel,
                            struct compare_difference *difference) {
    enum { AREA = (2 * REACH + 1) * (2 * REACH + 1) };
    size_t count = (size_t)a->width * (size_t)a->height;
    int *rows = mem_new_array(count, sizeof(int));
    double sum = 0;

    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++)
            rows[y * a->width + x] = row_sum(a, b, x, y, channel);
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++) {
            int total = 0;
            for (int k = -REACH; k <= REACH; k++)
                total += rows[clamp(y + k, a->height) * a->width + x];
            int off = abs(total) / AREA;
            sum += off;
            if (off > difference->most) {
                difference->most = off;
                difference->x = x;
                difference->y = y;
            }
        }
    difference->mean += sum / (double)count / 3;
    free(rows);
}

int compare_pictures(struct slice a,
                     struct slice b,
                     struct compare_difference *ret_difference) {
    struct compare_difference difference = { 0 };
    struct picture first = { 0 };
    struct picture second = { 0 };
    int r = decode(a, &first);

    if (r == 0)
        r = decode(b, &second);
    if (r == 0 && (first.width != second.width || first.height != second.height))
        r = COMPARE_E_SIZE;
    for (int channel = 0; r == 0 && channel < 3; channel++)
        compare_channel(&first, &second, channel, &difference);
    free(first.rgb);
    free(second.rgb);
    if (r == 0)
        *ret_difference = difference;
    return r;
}

int compare_is_same(const struct compare_difference *difference) {
    return difference->most <= MOST_MAX && difference->mean <= MEAN_MAX;
}
