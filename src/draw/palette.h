/*
 * palette - the colours of a picture, 256 at most
 *
 * Counts the colours; if there are more than 256, takes one after the other where the
 * error (squared distance times pixels) is largest. Each colour then has the nearest.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { PALETTE_MAX = 256 };

struct palette;

/* An empty palette; colours are 0xRRGGBB. */
struct palette *palette_new(void);
struct palette *palette_free(struct palette *palette);
void palette_freep(struct palette **palette);

/* Counts the pixels of a row. Pixels are seen with fewer bits where colours abound. */
void palette_count(struct palette *palette, const uint32_t *row, size_t count);

/* Chooses the colours; returns how many there are. */
size_t palette_choose(struct palette *palette);

/* The colour at a place. */
uint32_t palette_colour(const struct palette *palette, size_t place);

/* Writes the places of a row of counted pixels. */
void palette_map(const struct palette *palette,
                 const uint32_t *row,
                 size_t count,
                 uint8_t *ret_places);
