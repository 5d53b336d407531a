/*
 * compare - do two pictures look the same?
 *
 * Decodes with libpng, which our own writer has no part in, and blurs each channel over
 * five by five pixels before it compares: an edge that is anti-aliased otherwise passes,
 * a line that moved or a digit that changed does not.
 */
#pragma once

#include "base/slice.h"

enum {
    COMPARE_E_NO_PNG = 1,
    COMPARE_E_SIZE, /* the pictures differ in width or height */
};

struct compare_difference {
    int most; /* of 255, at the worst place */
    int x;    /* where that is */
    int y;
    double mean; /* of 255, over all pixels and channels */
};

/* 0 or one of COMPARE_E_*. */
int compare_pictures(struct slice a,
                     struct slice b,
                     struct compare_difference *ret_difference);

/* Is the difference smaller than what a person sees without searching? */
int compare_is_same(const struct compare_difference *difference);
