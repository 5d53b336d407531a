#include "draw/pngfile.h"

#include <errno.h>
#include <string.h>

#include <png.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "draw/palette.h"

/* What libpng reads from our bytes, as 0xRRGGBB. */
static uint32_t *decode(const struct buf *bytes, int *ret_width, int *ret_height) {
    png_image image = { .version = PNG_IMAGE_VERSION };
    CHECK(png_image_begin_read_from_memory(&image, bytes->data, bytes->len));
    image.format = PNG_FORMAT_RGB;
    uint8_t *rgb = mem_new(PNG_IMAGE_SIZE(image));
    CHECK(png_image_finish_read(&image, NULL, rgb, 0, NULL));
    CHECK_INT(image.warning_or_error, 0);

    size_t count = (size_t)image.width * image.height;
    uint32_t *pixels = mem_new_array(count, sizeof(uint32_t));
    for (size_t i = 0; i < count; i++)
        pixels[i] =
            (uint32_t)rgb[3 * i] << 16 | (uint32_t)rgb[3 * i + 1] << 8 | rgb[3 * i + 2];
    free(rgb);
    *ret_width = (int)image.width;
    *ret_height = (int)image.height;
    return pixels;
}

/* The colour of a pixel, for a picture with so many colours. */
static uint32_t colour_of(int x, int y, int colours) {
    uint32_t place = (uint32_t)(x * 31 + y * 17) % (uint32_t)colours;
    return (place * 2654435761U) & 0xffffff;
}

static uint32_t *paint(int width, int height, size_t stride, int colours) {
    uint32_t *pixels = mem_new_array(stride * (size_t)height, sizeof(uint32_t));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            /* The upper byte is nothing. */
            pixels[(size_t)y * stride + (size_t)x] =
                0x5a000000 | colour_of(x, y, colours);
    return pixels;
}

static void few_colours_come_back_exactly(void) {
    static const struct {
        int width, height, colours;
    } rows[] = {
        { 1, 1, 1 }, { 1, 300, 200 }, { 300, 1, 7 }, { 640, 97, 256 }, { 33, 65, 2 }
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t stride = (size_t)rows[i].width + i;
        uint32_t *pixels = paint(rows[i].width, rows[i].height, stride, rows[i].colours);
        struct pngfile_image image = { pixels, stride, rows[i].width, rows[i].height };
        struct buf bytes = { 0 };
        int width;
        int height;
        CHECK_INT(pngfile_encode(&image, NULL, &bytes), 0);
        uint32_t *got = decode(&bytes, &width, &height);
        CHECK_INT(width, rows[i].width);
        CHECK_INT(height, rows[i].height);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                CHECK(got[y * width + x] == colour_of(x, y, rows[i].colours));
        free(got);
        free(pixels);
        buf_done(&bytes);
    }
}

static int distance(uint32_t a, uint32_t b) {
    int most = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        int off = abs((int)(a >> shift & 0xff) - (int)(b >> shift & 0xff));
        most = off > most ? off : most;
    }
    return most;
}

/* A smooth picture with a hundred thousand colours stays near itself. */
static void many_colours_come_back_nearly(void) {
    enum { SIDE = 320 };
    uint32_t *pixels = mem_new_array(SIDE * SIDE, sizeof(uint32_t));
    for (uint32_t y = 0; y < SIDE; y++)
        for (uint32_t x = 0; x < SIDE; x++)
            pixels[y * SIDE + x] =
                (x * 255 / SIDE) << 16 | (y * 255 / SIDE) << 8 | (x + y) / 8;
    struct pngfile_image image = { pixels, SIDE, SIDE, SIDE };
    struct buf bytes = { 0 };
    int width;
    int height;

    CHECK_INT(pngfile_encode(&image, NULL, &bytes), 0);
    uint32_t *got = decode(&bytes, &width, &height);
    for (int i = 0; i < SIDE * SIDE; i++)
        CHECK(distance(got[i], pixels[i]) <= 24);
    free(got);
    free(pixels);
    buf_done(&bytes);
}

static void it_stops_when_nobody_waits(void) {
    uint32_t pixel = 0;
    struct pngfile_image image = { &pixel, 1, 1, 1 };
    struct buf bytes = { 0 };
    atomic_bool cancelled = true;

    buf_add_text(&bytes, "before");
    CHECK_INT(pngfile_encode(&image, &cancelled, &bytes), -ECANCELED);
    CHECK_TEXT(buf_text(&bytes), "before");
    buf_done(&bytes);
}

static void a_frequent_colour_is_kept_exactly(void) {
    struct palette *palette = palette_new();
    uint32_t row[4096];

    for (uint32_t i = 0; i < 4096; i++)
        row[i] = i * 4093 & 0xffffff;
    palette_count(palette, row, 4096);
    for (size_t i = 0; i < 4096; i++)
        row[i] = 0x123456;
    for (int i = 0; i < 100; i++)
        palette_count(palette, row, 4096);
    size_t count = palette_choose(palette);
    CHECK(count <= PALETTE_MAX);
    uint8_t place;
    palette_map(palette, row, 1, &place);
    CHECK(distance(palette_colour(palette, place), 0x123456) <= 1);
    palette_free(palette);
}

TESTS(TEST(few_colours_come_back_exactly),
      TEST(many_colours_come_back_nearly),
      TEST(it_stops_when_nobody_waits),
      TEST(a_frequent_colour_is_kept_exactly))
