/*
 * pngfile - pixels to a PNG, quickly and small
 *
 * A chart has few colours, so that a palette costs nothing that an eye sees: pictures of
 * up to 256 colours are kept exactly, others get the 256 that serve most pixels best.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* 32-bit pixels, 0x00RRGGBB; rows begin stride pixels apart. */
struct pngfile_image {
    const uint32_t *pixels; /* borrowed from the caller */
    size_t stride;
    int width;
    int height;
};

/*
 * Appends the picture: 0, -ECANCELED, or -ENOMEM when zlib cannot work; out is as it was
 * on failure. cancelled may be NULL.
 */
int pngfile_encode(const struct pngfile_image *image,
                   const atomic_bool *cancelled,
                   struct buf *out);
