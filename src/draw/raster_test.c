#include "draw/raster.h"

#include <math.h>
#include <string.h>

#include "base/check.h"

enum { WIDTH = 40, HEIGHT = 30, STRIDE = 48 };

/* A black picture with a frame around it that must stay as it is. */
struct sheet {
    uint32_t pixels[(HEIGHT + 2) * STRIDE];
    struct raster raster;
};

static void sheet_init(struct sheet *sheet) {
    memset(sheet->pixels, 0, sizeof(sheet->pixels));
    sheet->raster = (struct raster) {
        .pixels = sheet->pixels + STRIDE + 4,
        .stride = STRIDE,
        .width = WIDTH,
        .height = HEIGHT,
    };
}

static unsigned at(const struct sheet *sheet, int x, int y) {
    return sheet->raster.pixels[y * STRIDE + x] & 0xff;
}

static void check_frame(struct sheet *sheet) {
    for (int y = 0; y < HEIGHT; y++)
        memset(sheet->raster.pixels + (size_t)y * STRIDE, 0, WIDTH * sizeof(uint32_t));
    for (size_t i = 0; i < sizeof(sheet->pixels) / sizeof(sheet->pixels[0]); i++)
        CHECK_INT(sheet->pixels[i], 0);
}

static void fill(struct sheet *sheet, float top, float bottom) {
    float tops[WIDTH];
    float bottoms[WIDTH];
    for (int x = 0; x < WIDTH; x++) {
        tops[x] = top;
        bottoms[x] = bottom;
    }
    raster_fill(&sheet->raster, tops, bottoms, (struct raster_ink) { 0xffffff, 1, 1 });
}

static void edges_of_an_area_are_soft(void) {
    struct sheet sheet;
    sheet_init(&sheet);
    fill(&sheet, 3.25F, 7.5F);
    CHECK_INT(at(&sheet, 5, 2), 0);
    CHECK(abs((int)at(&sheet, 5, 3) - 191) <= 2);
    CHECK_INT(at(&sheet, 5, 4), 255);
    CHECK(abs((int)at(&sheet, 5, 7) - 128) <= 2);
    CHECK_INT(at(&sheet, 5, 8), 0);
    check_frame(&sheet);
}

static void areas_end_at_the_edges(void) {
    static const float rows[][2] = { { -1e9F, 1e9F },
                                     { -5, -1 },
                                     { 40, 50 },
                                     { 10, 3 },
                                     { 29.9F, 99 },
                                     { NAN, 5 },
                                     { -INFINITY, INFINITY } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sheet sheet;
        sheet_init(&sheet);
        fill(&sheet, rows[i][0], rows[i][1]);
        check_frame(&sheet);
    }
}

static void stroke(struct sheet *sheet,
                   const struct raster_point *points,
                   size_t count,
                   float thickness) {
    struct raster_mask *mask = raster_mask_new(WIDTH, HEIGHT);
    raster_mask_line(mask, points, count, thickness);
    raster_stamp(&sheet->raster, mask, 0xffffff, 0);
    raster_mask_free(mask);
}

static double sum_of(const struct sheet *sheet) {
    double sum = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            sum += at(sheet, x, y) / 255.0;
    return sum;
}

/* Whatever the direction, a line covers about its length times its thickness. */
static void lines_are_as_thick_in_each_direction(void) {
    for (int angle = 0; angle < 360; angle += 7) {
        double radians = angle * M_PI / 180;
        struct sheet sheet;
        struct raster_point points[2] = {
            { 20, 15 },
            { (float)(20 + 12 * cos(radians)), (float)(15 + 12 * sin(radians)) },
        };
        sheet_init(&sheet);
        stroke(&sheet, points, 2, 2);
        double wanted = 12 * 2 + M_PI; /* two half discs at the ends */
        CHECK(fabs(sum_of(&sheet) - wanted) < 0.1 * wanted);
        check_frame(&sheet);
    }
}

static void a_point_is_a_disc(void) {
    struct raster_point point = { 20.5F, 15.5F };
    struct sheet sheet;
    sheet_init(&sheet);
    stroke(&sheet, &point, 1, 6);
    CHECK(fabs(sum_of(&sheet) - M_PI * 9) < 2);
    CHECK_INT(at(&sheet, 20, 15), 255);
    CHECK_INT(at(&sheet, 17, 12), 0); /* the corner of the square around it */
    check_frame(&sheet);
}

static void crossings_are_not_brighter(void) {
    struct raster_point points[] = {
        { 5, 5 }, { 35, 25 }, { 35, 5 }, { 5, 25 }, { 35, 25 }
    };
    struct sheet sheet;
    sheet_init(&sheet);
    stroke(&sheet, points, 5, 2);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            CHECK(at(&sheet, x, y) <= 255);
    stroke(&sheet, points, 0, 2);
    check_frame(&sheet);
}

static void lines_end_at_the_edges(void) {
    static const struct raster_point points[] = {
        { -1000, -1000 }, { 1000, 1000 },  { 20, -9e6F },     { 20, 9e6F },
        { -9e6F, 15 },    { 9e6F, 15.5F }, { 20, -INFINITY }, { 40, 30 },
        { 0, 0 },         { 40, 0 },       { NAN, 3 },        { 3, NAN },
    };
    struct sheet sheet;
    sheet_init(&sheet);
    stroke(&sheet, points, sizeof(points) / sizeof(points[0]), 3);
    check_frame(&sheet);
}

static void dashes_leave_columns_free(void) {
    struct raster_point points[] = { { 0, 15 }, { 40, 15 } };
    struct raster_mask *mask = raster_mask_new(WIDTH, HEIGHT);
    struct sheet sheet;
    sheet_init(&sheet);
    raster_mask_line(mask, points, 2, 2);
    raster_stamp(&sheet.raster, mask, 0xffffff, 5);
    CHECK_INT(at(&sheet, 2, 15), 255);
    CHECK_INT(at(&sheet, 7, 15), 0);
    CHECK_INT(at(&sheet, 12, 15), 255);
    /* The mask is clean again. */
    sheet_init(&sheet);
    raster_stamp(&sheet.raster, mask, 0xffffff, 0);
    CHECK(sum_of(&sheet) == 0);
    raster_mask_free(mask);
}

TESTS(TEST(edges_of_an_area_are_soft),
      TEST(areas_end_at_the_edges),
      TEST(lines_are_as_thick_in_each_direction),
      TEST(a_point_is_a_disc),
      TEST(crossings_are_not_brighter),
      TEST(lines_end_at_the_edges),
      TEST(dashes_leave_columns_free))
