#include "draw/text.h"

#include <stdlib.h>
#include <string.h>

#include <pango/pangocairo.h>

#include "base/mem.h"

enum { WORDS_MAX = 512 /* bytes: more than any picture is wide */ };

struct text {
    cairo_t *cairo;                                /* borrowed: the picture */
    PangoContext *context;                         /* owned */
    PangoLayout *layout;                           /* owned */
    PangoFontDescription *fonts[TEXT_STYLE_COUNT]; /* owned */
};

static PangoFontDescription *new_font(double size, PangoWeight weight) {
    PangoFontDescription *font = pango_font_description_new();

    pango_font_description_set_family_static(font, "DejaVu Sans,Noto Sans,sans-serif");
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    pango_font_description_set_weight(font, weight);
    return font;
}

/* The same letters whatever the machine's taste in fonts: no colours, no hints of width.
 */
static void set_options(PangoContext *context) {
    cairo_font_options_t *options = cairo_font_options_create();

    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(context, options);
    cairo_font_options_destroy(options);
}

struct text *text_new(cairo_t *cairo, double size) {
    struct text *text = mem_new(sizeof(*text));

    text->cairo = cairo;
    /* The default font map is one for each thread. */
    text->context = pango_font_map_create_context(pango_cairo_font_map_get_default());
    set_options(text->context);
    pango_cairo_update_context(cairo, text->context);
    text->layout = pango_layout_new(text->context);
    pango_layout_set_single_paragraph_mode(text->layout, TRUE);
    text->fonts[TEXT_PLAIN] = new_font(size, PANGO_WEIGHT_NORMAL);
    text->fonts[TEXT_SMALL] = new_font(size * 0.92, PANGO_WEIGHT_NORMAL);
    text->fonts[TEXT_TITLE] = new_font(size * 1.35, PANGO_WEIGHT_BOLD);
    return text;
}

struct text *text_free(struct text *text) {
    if (!text)
        return NULL;
    for (int i = 0; i < TEXT_STYLE_COUNT; i++)
        pango_font_description_free(text->fonts[i]);
    g_object_unref(text->layout);
    g_object_unref(text->context);
    free(text);
    return NULL;
}

/* Control characters would break lines or be drawn as boxes. */
static void replace_controls(char *words) {
    for (; *words; words++)
        if ((unsigned char)*words < ' ' || *words == 0x7f)
            *words = ' ';
}

static void set_words(struct text *text, enum text_style style, const char *words) {
    char *valid = g_utf8_make_valid(words, (gssize)strnlen(words, WORDS_MAX));

    replace_controls(valid);
    pango_layout_set_font_description(text->layout, text->fonts[style]);
    pango_layout_set_text(text->layout, valid, -1);
    g_free(valid);
}

static double layout_width(struct text *text) {
    PangoRectangle logical;
    pango_layout_line_get_extents(pango_layout_get_line_readonly(text->layout, 0), NULL,
                                  &logical);
    return (double)logical.width / PANGO_SCALE;
}

double text_width(struct text *text, enum text_style style, const char *words) {
    if (!words || !*words)
        return 0;
    pango_layout_set_width(text->layout, -1);
    set_words(text, style, words);
    return layout_width(text);
}

double text_draw(struct text *text, const char *words, const struct text_place *place) {
    bool bounded = place->max_width > 0;

    if (!words || !*words)
        return 0;
    pango_layout_set_ellipsize(text->layout,
                               bounded ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE);
    pango_layout_set_width(text->layout,
                           bounded ? (int)(place->max_width * PANGO_SCALE) : -1);
    set_words(text, place->style, words);

    double width = layout_width(text);
    double shift = place->align == TEXT_RIGHT ? width : 0;
    if (place->align == TEXT_CENTRE)
        shift = width / 2;
    cairo_set_source_rgb(text->cairo, (place->colour >> 16 & 0xff) / 255.0,
                         (place->colour >> 8 & 0xff) / 255.0,
                         (place->colour & 0xff) / 255.0);
    cairo_move_to(text->cairo, place->x - shift, place->y);
    pango_cairo_show_layout_line(text->cairo,
                                 pango_layout_get_line_readonly(text->layout, 0));
    return width;
}
