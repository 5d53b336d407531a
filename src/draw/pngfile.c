#include "draw/pngfile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "draw/palette.h"

enum {
    ROWS_PER_LOOK = 64, /* between two looks at cancelled */
    HEAD_LEN = 13,
    CHUNK_EXTRA = 12, /* length, name, checksum */
    WINDOW_BITS = 15,
    MEMORY_LEVEL = 9,
    LEVEL = 3, /* a third smaller than 1 in about the same time; 6 takes twice that */
    TYPE_PALETTE = 3,
};

static void add32(struct buf *out, uint32_t value) {
    const uint8_t bytes[] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
                              (uint8_t)(value >> 8), (uint8_t)value };
    buf_add(out, bytes, sizeof(bytes));
}

/* Begins a chunk whose length end_chunk() fills in. */
static size_t begin_chunk(struct buf *out, const char name[static 4]) {
    size_t start = out->len;
    add32(out, 0);
    buf_add(out, name, 4);
    return start;
}

static void end_chunk(struct buf *out, size_t start) {
    size_t len = out->len - start - 8;
    uint8_t *at = out->data + start;

    at[0] = (uint8_t)(len >> 24);
    at[1] = (uint8_t)(len >> 16);
    at[2] = (uint8_t)(len >> 8);
    at[3] = (uint8_t)len;
    add32(out, (uint32_t)crc32(0, at + 4, (uInt)(len + 4)));
}

static void add_head(struct buf *out, const struct pngfile_image *image) {
    static const uint8_t signature[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    static const uint8_t rest[] = { 8, TYPE_PALETTE, 0, 0, 0 };

    buf_add(out, signature, sizeof(signature));
    size_t chunk = begin_chunk(out, "IHDR");
    add32(out, (uint32_t)image->width);
    add32(out, (uint32_t)image->height);
    buf_add(out, rest, sizeof(rest));
    end_chunk(out, chunk);
}

static void add_palette(struct buf *out, const struct palette *palette, size_t count) {
    size_t chunk = begin_chunk(out, "PLTE");

    for (size_t i = 0; i < count; i++) {
        uint32_t colour = palette_colour(palette, i);
        buf_add_byte(out, (uint8_t)(colour >> 16));
        buf_add_byte(out, (uint8_t)(colour >> 8));
        buf_add_byte(out, (uint8_t)colour);
    }
    end_chunk(out, chunk);
}

static bool is_cancelled(const atomic_bool *cancelled, int row) {
    return cancelled && row % ROWS_PER_LOOK == 0 && atomic_load(cancelled);
}

static int count_colours(const struct pngfile_image *image,
                         const atomic_bool *cancelled,
                         struct palette *palette) {
    for (int y = 0; y < image->height; y++) {
        if (is_cancelled(cancelled, y))
            return -ECANCELED;
        palette_count(palette, image->pixels + (size_t)y * image->stride,
                      (size_t)image->width);
    }
    return 0;
}

/* Feeds the rows, each with filter 0, to an open deflate stream with room enough. */
static int deflate_rows(const struct pngfile_image *image,
                        const struct palette *palette,
                        const atomic_bool *cancelled,
                        z_stream *stream) {
    size_t width = (size_t)image->width;
    auto_(mem_freep) uint8_t *row = mem_new(width + 1);

    for (int y = 0; y < image->height; y++) {
        if (is_cancelled(cancelled, y))
            return -ECANCELED;
        palette_map(palette, image->pixels + (size_t)y * image->stride, width, row + 1);
        stream->next_in = row;
        stream->avail_in = (uInt)width + 1;
        bool is_last = y + 1 == image->height;
        if (deflate(stream, is_last ? Z_FINISH : Z_NO_FLUSH) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int add_pixels(const struct pngfile_image *image,
                      const struct palette *palette,
                      const atomic_bool *cancelled,
                      struct buf *out) {
    z_stream stream = { 0 };
    if (deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;

    size_t chunk = begin_chunk(out, "IDAT");
    uLong room = deflateBound(&stream, ((uLong)image->width + 1) * (uLong)image->height);
    stream.next_out = buf_room(out, room);
    stream.avail_out = (uInt)room;
    int r = deflate_rows(image, palette, cancelled, &stream);
    buf_added(out, stream.total_out);
    deflateEnd(&stream);
    end_chunk(out, chunk);
    return r;
}

int pngfile_encode(const struct pngfile_image *image,
                   const atomic_bool *cancelled,
                   struct buf *out) {
    auto_(palette_freep) struct palette *palette = palette_new();
    size_t start = out->len;

    int r = count_colours(image, cancelled, palette);
    if (r < 0)
        return r;
    add_head(out, image);
    add_palette(out, palette, palette_choose(palette));
    r = add_pixels(image, palette, cancelled, out);
    if (r < 0) {
        out->len = start;
        return r;
    }
    end_chunk(out, begin_chunk(out, "IEND"));
    return 0;
}
