/*
 * chart_plot - the data of a chart: gaps, bands, lines, thresholds
 *
 * Internal to src/draw.
 */
#pragma once

struct chart_page;

/* Hatches where no series has samples, and marks at the foot where one has none. */
void chart_plot_draw_gaps(const struct chart_page *page);

/* Draws bands and lines, the first series on top. */
void chart_plot_draw_series(const struct chart_page *page);

void chart_plot_draw_thresholds(const struct chart_page *page);
