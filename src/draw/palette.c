#include "draw/palette.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    SLOT_BITS = 13,
    SLOT_COUNT = 1 << SLOT_BITS,
    COLOURS_MAX = SLOT_COUNT / 2, /* keeps probing short and choosing quick */
    FREE = 0,
};

static const uint32_t RGB = 0xffffff;

struct palette {
    uint32_t keys[SLOT_COUNT];  /* what is seen of a colour, + 1; or FREE */
    uint16_t place[SLOT_COUNT]; /* in colours */
    uint32_t colours[COLOURS_MAX];
    uint32_t pixels[COLOURS_MAX];
    uint32_t error[COLOURS_MAX]; /* squared distance to the nearest that is chosen */
    uint8_t nearest[COLOURS_MAX];
    size_t count;
    uint32_t chosen[PALETTE_MAX];
    size_t chosen_count;
    uint32_t seen_bits; /* of a colour */
};

struct palette *palette_new(void) {
    struct palette *palette = mem_new(sizeof(*palette));
    palette->seen_bits = RGB;
    return palette;
}

struct palette *palette_free(struct palette *palette) {
    free(palette);
    return NULL;
}

void palette_freep(struct palette **palette) {
    *palette = palette_free(*palette);
}

static size_t slot_of(const struct palette *palette, uint32_t colour) {
    uint32_t seen = colour & palette->seen_bits;
    size_t slot = (seen * 0x9e3779b1U) >> (32 - SLOT_BITS);

    while (palette->keys[slot] != FREE && palette->keys[slot] != seen + 1)
        slot = (slot + 1) % SLOT_COUNT;
    return slot;
}

static void add(struct palette *palette, uint32_t colour, uint32_t pixels) {
    size_t slot = slot_of(palette, colour);

    if (palette->keys[slot] == FREE) {
        palette->keys[slot] = (colour & palette->seen_bits) + 1;
        palette->place[slot] = (uint16_t)palette->count;
        palette->pixels[palette->count++] = 0;
    }
    /* Of colours that are seen as one, the most frequent stands for all. */
    size_t place = palette->place[slot];
    if (pixels > palette->pixels[place])
        palette->colours[place] = colour;
    palette->pixels[place] += pixels;
}

/* Too many colours: sees one bit less of each channel from now on. */
static void coarsen(struct palette *palette) {
    size_t count = palette->count;
    uint32_t *colours = mem_dup(palette->colours, count * sizeof(*colours));
    uint32_t *pixels = mem_dup(palette->pixels, count * sizeof(*pixels));

    palette->seen_bits &= (palette->seen_bits << 1) & 0xfefefe;
    memset(palette->keys, 0, sizeof(palette->keys));
    palette->count = 0;
    for (size_t i = 0; i < count; i++)
        add(palette, colours[i], pixels[i]);
    free(colours);
    free(pixels);
}

void palette_count(struct palette *palette, const uint32_t *row, size_t count) {
    for (size_t i = 0; i < count;) {
        uint32_t colour = row[i] & RGB;
        size_t start = i++;
        while (i < count && (row[i] & RGB) == colour)
            i++;
        add(palette, colour, (uint32_t)(i - start));
        while (palette->count >= COLOURS_MAX)
            coarsen(palette);
    }
}

static uint32_t squared(uint32_t a, uint32_t b) {
    int32_t red = (int32_t)(a >> 16) - (int32_t)(b >> 16);
    int32_t green = (int32_t)(a >> 8 & 0xff) - (int32_t)(b >> 8 & 0xff);
    int32_t blue = (int32_t)(a & 0xff) - (int32_t)(b & 0xff);
    return (uint32_t)(red * red + green * green + blue * blue);
}

/* Takes a colour and gives it to all that it is nearest to; returns the worst now. */
static size_t choose_one(struct palette *palette, size_t place) {
    uint32_t colour = palette->colours[place];
    uint8_t chosen = (uint8_t)palette->chosen_count;
    uint64_t worst_error = 0;
    size_t worst = palette->count;

    palette->chosen[palette->chosen_count++] = colour;
    for (size_t i = 0; i < palette->count; i++) {
        uint32_t error = squared(palette->colours[i], colour);
        if (error < palette->error[i]) {
            palette->error[i] = error;
            palette->nearest[i] = chosen;
        }
        uint64_t weighed = (uint64_t)palette->error[i] * palette->pixels[i];
        if (weighed > worst_error) {
            worst_error = weighed;
            worst = i;
        }
    }
    return worst;
}

size_t palette_choose(struct palette *palette) {
    size_t next = 0;

    memset(palette->error, 0xff, sizeof(palette->error));
    palette->chosen_count = 0;
    while (next < palette->count && palette->chosen_count < PALETTE_MAX)
        next = choose_one(palette, next);
    return palette->chosen_count;
}

uint32_t palette_colour(const struct palette *palette, size_t place) {
    return palette->chosen[place];
}

void palette_map(const struct palette *palette,
                 const uint32_t *row,
                 size_t count,
                 uint8_t *ret_places) {
    for (size_t i = 0; i < count;) {
        uint32_t colour = row[i] & RGB;
        size_t slot = slot_of(palette, colour);
        uint8_t place = palette->nearest[palette->place[slot]];
        do
            ret_places[i++] = place;
        while (i < count && (row[i] & RGB) == colour);
    }
}
