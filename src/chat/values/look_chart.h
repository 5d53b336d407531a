/*
 * look_chart - a picture of values over time, with what they came to
 *
 * Charts are drawn by the hub (Metrics.Chart); least, mean and greatest values of the
 * same span are read beside it and stand below the picture.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "chat/view.h"

struct turn;

/* What is to be drawn. All texts are copied. */
struct look_chart_wish {
    const char *select; /* nodes: "nas", "nas,pi" */
    const char *names;  /* kinds and metrics, apart by ';' or ',' */
    const char *unit;   /* NULL: automatic */
    double top;         /* NAN: automatic */
    int64_t span_ms;    /* 0: from since_ms */
    int64_t since_ms;
    int64_t until_ms; /* 0: now */
    bool is_light;
    bool is_file;     /* as a document, larger */
    const char *note; /* below the figures; NULL */
    /* Adds the buttons; NULL: none. */
    void (*add_buttons)(struct turn *turn, struct view *view, const char *select);
};

/* Draws, shows and ends the turn. The metrics must be of one unit. */
void look_chart_show(struct turn *turn, const struct look_chart_wish *wish);

/* chart [NODE] [METRICS] [PERIOD]: with kinds and periods as buttons. */
void look_chart_run(struct turn *turn);
