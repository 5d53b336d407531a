#include "draw/chart_page.h"

#include <math.h>

bool chart_page_is_cancelled(const struct chart_page *page) {
    return page->cancelled && atomic_load(page->cancelled);
}

double chart_page_row(const struct chart_page *page, double value) {
    const struct valueaxis *axis = &page->values;
    double height = page->plot.height;
    double row =
        (axis->top - value / axis->scale.size) / (axis->top - axis->bottom) * height;

    /* A point far outside keeps about its slope and fits in every kind of number. */
    return fmin(fmax(row, -8 * height), 9 * height);
}

struct raster chart_page_raster(const struct chart_page *page, struct chart_box box) {
    cairo_surface_flush(page->surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(page->surface) / 4;
    uint32_t *pixels = (uint32_t *)(void *)cairo_image_surface_get_data(page->surface);

    return (struct raster) {
        .pixels = pixels + (size_t)box.y * stride + box.x,
        .stride = stride,
        .width = box.width,
        .height = box.height,
    };
}

void chart_page_wrote(const struct chart_page *page) {
    cairo_surface_mark_dirty(page->surface);
}

void chart_page_bar(const struct chart_page *page,
                    uint32_t colour,
                    struct chart_box box) {
    int left = box.x > 0 ? box.x : 0;
    int top = box.y > 0 ? box.y : 0;
    int right = box.x + box.width < page->width ? box.x + box.width : page->width;
    int bottom = box.y + box.height < page->height ? box.y + box.height : page->height;
    struct raster raster = chart_page_raster(page, (struct chart_box) { 0 });

    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++)
            raster.pixels[(size_t)y * raster.stride + (size_t)x] = colour;
    chart_page_wrote(page);
}
