/*
 * kind - which metrics a chart shows, and how
 *
 * "cpu", "net", "all" and sets that a person puts together ("cpu;temp.cpu" is refused,
 * "disk.used:/home;disk.used:/srv" is fine). Knows names, units and words, and neither
 * samples nor pixels.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "draw/figure.h"

enum {
    KIND_SERIES_MAX = 12,
    KIND_METRIC_LEN = 128,
    KIND_TITLE_LEN = 256,
};

enum {
    KIND_E_REFUSED = 1, /* ret_why says in a sentence what is wrong and what is allowed */
};

struct kind_series {
    char metric[KIND_METRIC_LEN]; /* as a query has it: "net.rx", "disk.used:*" */
    char label[KIND_METRIC_LEN];  /* for the legend: "received" */
};

/* What to ask the store for, and the fields of the same names of a chart. */
struct kind {
    char title[KIND_TITLE_LEN]; /* "CPU", "Network"; the node's name goes before it */
    struct kind_series series[KIND_SERIES_MAX];
    size_t series_count;
    enum figure_unit unit;
    enum figure_fixed fixed;
    double y_bottom; /* in the metric's unit; NAN: automatic */
    double y_top;
};

/* The name of a standard kind: cpu, mem, net, disk, gpu, vram, temp, all; NULL past them.
 */
const char *kind_name(size_t place);

/*
 * Puts a chart together from names parted by ';' or ',' (kinds, metrics, older names; an
 * object may have wildcards: "disk:*"), and a unit (NULL or "": automatic). With a unit
 * of bytes, percentages of memory and space become their sizes: "mem" in "gib". top is
 * the upper end of the axis in that unit; NAN: automatic. 0, or KIND_E_REFUSED and
 * *ret_why is a text for the caller to free.
 */
int kind_choose(const char *names,
                const char *unit,
                double top,
                struct kind *ret_kind,
                char **ret_why);

/*
 * Reads what follows the node in "/plot NODE cpu;mem 1d 12h 80": names, one or more
 * lengths of time that are summed (s, m, h, d, w), perhaps the top of the axis, perhaps a
 * unit.
 */
int kind_parse_plot(const char *words,
                    struct kind *ret_kind,
                    int64_t *ret_span_ms,
                    char **ret_why);
