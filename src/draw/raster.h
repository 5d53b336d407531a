/*
 * raster - the two shapes of which a chart has thousands: bands and lines
 *
 * A general renderer sorts edges; here all shapes are functions of x, so that an area is
 * two heights per column and a line is the distance of a pixel to its segments. Both are
 * anti-aliased. The target is 32-bit pixels without alpha (0x00RRGGBB), as Cairo's
 * CAIRO_FORMAT_RGB24 has them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A part of a picture; what lies outside is left alone. */
struct raster {
    uint32_t *pixels; /* borrowed from the surface; the top left pixel of the part */
    size_t stride;    /* in pixels */
    int width;
    int height;
};

/* A point in pixels; pixel centres are at halves. */
struct raster_point {
    float x;
    float y;
};

/* How opaque a colour lies on what is there, from the top row to the bottom row. */
struct raster_ink {
    uint32_t colour; /* 0xRRGGBB */
    float top_opacity;
    float bottom_opacity;
};

/*
 * Fills between top[x] and bottom[x] for each column; where top >= bottom there is
 * nothing. Opacities are those at row 0 and at row height.
 */
void raster_fill(const struct raster *raster,
                 const float *top,
                 const float *bottom,
                 struct raster_ink ink);

/* A sheet of coverage, one byte a pixel, that lines are drawn on. */
struct raster_mask;

struct raster_mask *raster_mask_new(int width, int height);
struct raster_mask *raster_mask_free(struct raster_mask *mask);
void raster_mask_freep(struct raster_mask **mask);

/* Draws a line of this thickness through the points, with round joins and ends. */
void raster_mask_line(struct raster_mask *mask,
                      const struct raster_point *points,
                      size_t count,
                      float thickness);

/*
 * Lays a colour through the mask on the picture and wipes the mask. dash: columns that
 * are drawn and left free in turn; 0 for an unbroken line.
 */
void raster_stamp(const struct raster *raster,
                  struct raster_mask *mask,
                  uint32_t colour,
                  int dash);
