/*
 * theme - the colours of charts
 *
 * Six hues that differ also for eyes that confuse red and green, after Okabe and Ito, in
 * one set for dark and one for light ground: any two are 14 apart (CIE 1976) with each
 * kind of colour blindness, 35 without. From the seventh series on they come again,
 * dashed.
 */
#pragma once

#include <stdint.h>

enum { THEME_HUES = 6 };

/* All are 0xRRGGBB. */
struct theme {
    uint32_t ground;
    uint32_t grid;
    uint32_t turn; /* grid line where a day begins */
    uint32_t axis;
    uint32_t text;
    uint32_t muted;
    uint32_t hatch;
    uint32_t threshold;
    float band_opacity;
    uint32_t hues[THEME_HUES];
};

extern const struct theme theme_dark;
extern const struct theme theme_light;
