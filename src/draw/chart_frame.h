/*
 * chart_frame - everything of a chart that is no data: places, title, grid, axes
 *
 * Internal to src/draw.
 */
#pragma once

#include <stdbool.h>

struct chart_page;

/* Decides about the width of the plot, for which series are then reduced. */
void chart_frame_measure(struct chart_page *page);

/* Widens the room beside the value axis if its words need it; true: reduce again. */
bool chart_frame_make_room(struct chart_page *page);

/* Draws the grid; data goes above it. */
void chart_frame_draw_grid(const struct chart_page *page);

/* Draws title, period and the words at both axes. */
void chart_frame_draw_words(const struct chart_page *page);
