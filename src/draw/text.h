/*
 * text - words on a picture
 *
 * One font in a few sizes and weights, laid out by Pango, which finds another font for
 * what ours lacks. A text pen belongs to one thread and one picture; the fonts behind it
 * belong to the thread, so that the next picture finds them loaded.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cairo.h>

struct text;

enum text_style {
    TEXT_PLAIN,
    TEXT_SMALL,
    TEXT_TITLE,
    TEXT_STYLE_COUNT,
};

enum text_align { TEXT_LEFT, TEXT_CENTRE, TEXT_RIGHT };

/* A pen for a Cairo context (lent until the pen is freed) whose plain text has this size.
 */
struct text *text_new(cairo_t *cairo, double size);
struct text *text_free(struct text *text);

/* What a string would take. Nothing, if it is NULL or empty. */
double text_width(struct text *text, enum text_style style, const char *words);

/* Where and how a string stands. */
struct text_place {
    enum text_style style;
    enum text_align align;
    uint32_t colour; /* 0xRRGGBB */
    double x;
    double y;         /* of the base line */
    double max_width; /* what is longer ends with an ellipsis; 0: any width */
};

/* Draws a string and returns its width; NULL and "" are nothing. Damaged UTF-8 and
 * control characters are replaced. */
double text_draw(struct text *text, const char *words, const struct text_place *place);
