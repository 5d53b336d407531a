#include "draw/raster.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct raster_mask {
    uint8_t *coverage; /* owned; width * height */
    int width;
    int height;
    int first_row; /* rows that have been drawn on */
    int end_row;
};

static int clamp_int(float value, int low, int high) {
    if (!(value > (float)low))
        return low;
    return value < (float)high ? (int)value : high;
}

/* One pixel: parts of 256. Two channels at once lie far enough apart. */
static inline uint32_t mix(uint32_t under, uint32_t over, uint32_t part) {
    uint32_t rest = 256 - part;
    uint32_t red_blue =
        ((under & 0xff00ff) * rest + (over & 0xff00ff) * part + 0x800080) >> 8;
    uint32_t green = ((under & 0x00ff00) * rest + (over & 0x00ff00) * part + 0x8000) >> 8;
    return (red_blue & 0xff00ff) | (green & 0x00ff00);
}

/* The rows between the highest top and the lowest bottom. */
static void find_rows(const struct raster *raster,
                      const float *top,
                      const float *bottom,
                      int *ret_first,
                      int *ret_end) {
    float low = (float)raster->height;
    float high = 0;

    for (int x = 0; x < raster->width; x++)
        if (top[x] < bottom[x]) {
            low = fminf(low, top[x]);
            high = fmaxf(high, bottom[x]);
        }
    *ret_first = clamp_int(floorf(low), 0, raster->height);
    *ret_end = clamp_int(ceilf(high), 0, raster->height);
}

/* One row of columns. */
static void fill_row(uint32_t *row,
                     const float *top,
                     const float *bottom,
                     int width,
                     float upper,
                     float opacity,
                     uint32_t colour) {
    for (int x = 0; x < width; x++) {
        float from = top[x] > upper ? top[x] : upper;
        float to = bottom[x] < upper + 1 ? bottom[x] : upper + 1;
        if (to > from)
            row[x] = mix(row[x], colour, (uint32_t)(int32_t)((to - from) * opacity));
    }
}

void raster_fill(const struct raster *raster,
                 const float *top,
                 const float *bottom,
                 struct raster_ink ink) {
    int first;
    int end;
    find_rows(raster, top, bottom, &first, &end);

    float slope = (ink.bottom_opacity - ink.top_opacity) / (float)raster->height;
    for (int y = first; y < end; y++) {
        float opacity = ink.top_opacity + slope * ((float)y + 0.5F);
        fill_row(raster->pixels + (size_t)y * raster->stride, top, bottom, raster->width,
                 (float)y, opacity * 256, ink.colour);
    }
}

struct raster_mask *raster_mask_new(int width, int height) {
    struct raster_mask *mask = mem_new(sizeof(*mask));
    *mask = (struct raster_mask) {
        .coverage = mem_new_array((size_t)width, (size_t)height),
        .width = width,
        .height = height,
        .first_row = height,
    };
    return mask;
}

struct raster_mask *raster_mask_free(struct raster_mask *mask) {
    if (!mask)
        return NULL;
    free(mask->coverage);
    free(mask);
    return NULL;
}

void raster_mask_freep(struct raster_mask **mask) {
    *mask = raster_mask_free(*mask);
}

/* One segment: its direction is a unit vector, so that products are distances. */
struct segment {
    struct raster_point from;
    struct raster_point to;
    float along_x;
    float along_y;
    float len;
    float radius; /* half the thickness and half a pixel of soft edge */
};

static float distance(const struct segment *segment, float x, float y) {
    float off_x = x - segment->from.x;
    float off_y = y - segment->from.y;
    float along = off_x * segment->along_x + off_y * segment->along_y;

    if (along >= 0 && along <= segment->len && segment->len > 0)
        return fabsf(off_x * segment->along_y - off_y * segment->along_x);
    if (along > 0) {
        off_x = x - segment->to.x;
        off_y = y - segment->to.y;
    }
    return sqrtf(off_x * off_x + off_y * off_y);
}

/* The columns of one row that may be within reach. */
static void reach_in_row(const struct raster_mask *mask,
                         const struct segment *segment,
                         float centre_y,
                         int *ret_first,
                         int *ret_end) {
    float low = fminf(segment->from.x, segment->to.x);
    float high = fmaxf(segment->from.x, segment->to.x);
    float reach = segment->radius;

    /* A steep line reaches only as far as its slope carries it in one row. */
    if (fabsf(segment->along_y) > 0.1F) {
        float at = segment->from.x +
                   (centre_y - segment->from.y) * segment->along_x / segment->along_y;
        low = high = fminf(fmaxf(at, low), high);
        reach /= fabsf(segment->along_y);
    }
    *ret_first = clamp_int(floorf(low - reach), 0, mask->width);
    *ret_end = clamp_int(ceilf(high + reach), 0, mask->width);
}

static void draw_segment(struct raster_mask *mask, const struct segment *segment) {
    float low = fminf(segment->from.y, segment->to.y) - segment->radius;
    float high = fmaxf(segment->from.y, segment->to.y) + segment->radius;
    int first_row = clamp_int(floorf(low), 0, mask->height);
    int end_row = clamp_int(ceilf(high), 0, mask->height);

    for (int y = first_row; y < end_row; y++) {
        uint8_t *row = mask->coverage + (size_t)y * (size_t)mask->width;
        int first;
        int end;
        reach_in_row(mask, segment, (float)y + 0.5F, &first, &end);
        for (int x = first; x < end; x++) {
            float part =
                segment->radius - distance(segment, (float)x + 0.5F, (float)y + 0.5F);
            int covered = clamp_int(part * 255 + 0.5F, 0, 255);
            if (covered > row[x])
                row[x] = (uint8_t)covered;
        }
    }
    if (first_row < mask->first_row)
        mask->first_row = first_row;
    if (end_row > mask->end_row)
        mask->end_row = end_row;
}

void raster_mask_line(struct raster_mask *mask,
                      const struct raster_point *points,
                      size_t count,
                      float thickness) {
    for (size_t i = 0; i + 1 < count || (i == 0 && count == 1); i++) {
        struct raster_point to = points[i + 1 < count ? i + 1 : i];
        struct segment segment = {
            .from = points[i],
            .to = to,
            .radius = thickness / 2 + 0.5F,
        };
        float off_x = to.x - points[i].x;
        float off_y = to.y - points[i].y;
        segment.len = sqrtf(off_x * off_x + off_y * off_y);
        if (segment.len > 0) {
            segment.along_x = off_x / segment.len;
            segment.along_y = off_y / segment.len;
        }
        draw_segment(mask, &segment);
    }
}

void raster_stamp(const struct raster *raster,
                  struct raster_mask *mask,
                  uint32_t colour,
                  int dash) {
    for (int y = mask->first_row; y < mask->end_row; y++) {
        uint32_t *row = raster->pixels + (size_t)y * raster->stride;
        uint8_t *coverage = mask->coverage + (size_t)y * (size_t)mask->width;
        for (int x = 0; x < mask->width; x++) {
            bool free_column = dash > 0 && x / dash % 2 == 1;
            if (coverage[x] && !free_column)
                row[x] = mix(row[x], colour, coverage[x] + (coverage[x] >> 7));
        }
        memset(coverage, 0, (size_t)mask->width);
    }
    mask->first_row = mask->height;
    mask->end_row = 0;
}
