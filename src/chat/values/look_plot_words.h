/*
 * look_plot_words - what people write behind /plot, read or refused with a reason
 *
 *   [NODES] METRICS INTERVAL... [TOP] [UNIT]
 *   nas cpu,ram 24h            two lines of one node
 *   nas,pi cpu 1d 12h          one line of each of two
 *   nas ram 7d 8 gib           memory in GiB, the axis up to 8
 *
 * Metrics and kinds stand apart by ',' or ';'. Unknown ones are left out as long as one
 * is known. Knows no turn, no clock and no language.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "draw/kind.h"

enum {
    LOOK_PLOT_WORDS_E_METRICS = 1, /* there are none, or `word` is none */
    LOOK_PLOT_WORDS_E_MIXED,       /* of different units: they fit no common axis */
    LOOK_PLOT_WORDS_E_MANY,        /* more than KIND_SERIES_MAX */
    LOOK_PLOT_WORDS_E_INTERVAL,    /* there is none before `word` */
    LOOK_PLOT_WORDS_E_LONG,        /* the interval is none, or over ten years */
    LOOK_PLOT_WORDS_E_TOP,         /* `word` is no top of an axis */
    LOOK_PLOT_WORDS_E_TOP_UNIT,    /* a number of what? */
    LOOK_PLOT_WORDS_E_UNIT,        /* there is no unit `word` */
    LOOK_PLOT_WORDS_E_FIT,         /* the metrics are not measured in `word` */
    LOOK_PLOT_WORDS_E_EXTRA,       /* `word` is too much */
};

struct look_plot_words {
    char *nodes;      /* owned: "nas,pi"; NULL: none were named */
    char *names;      /* owned: known metrics, apart by ';' */
    char *left_out;   /* owned: unknown ones, apart by ", "; NULL: none */
    char *unit;       /* owned; NULL: automatic */
    double top;       /* NAN: automatic */
    int64_t span_ms;  /* 0: none was said */
    struct kind kind; /* what these come to */
    char *word;       /* owned: what a refusal is about; NULL */
};

/* Reads the words; has_span: a beginning was said elsewhere, so that no interval is
 * needed. 0 or LOOK_PLOT_WORDS_E_*; look_plot_words_done() in both cases. */
int look_plot_words_read(struct look_plot_words *plot,
                         const char *const *words,
                         size_t count,
                         bool has_span);

void look_plot_words_done(struct look_plot_words *plot);

/* A length of time: "90m", "1d12h", "7д"; -1 when it is none. */
int64_t look_plot_words_span(const char *word);

/* Is there a kind or a metric of that name? */
bool look_plot_words_is_metric(const char *name);
