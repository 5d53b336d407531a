/*
 * chart_legend - the table below a chart: series and their figures
 *
 * Internal to src/draw.
 */
#pragma once

struct chart_page;

/* What the table takes, in pixels. */
double chart_legend_height(const struct chart_page *page);

/* Draws it at page->legend_top. */
void chart_legend_draw(const struct chart_page *page);
