/*
 * exposition - metrics as Prometheus and OpenMetrics read them
 *
 * Writes OpenMetrics 1.0 or the older text format 0.0.4. Families come one after another,
 * each with all of its samples. A counter's family is named without "_total"; the writer
 * adds it where the format wants it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;

enum exposition_type { EXPOSITION_GAUGE, EXPOSITION_COUNTER, EXPOSITION_INFO };

/* Zero it, set out and is_text. */
struct exposition {
    struct buf *out; /* borrowed */
    bool is_text;    /* 0.0.4 instead of OpenMetrics */
    /* Of the family that is being written; lent by exposition_family()'s caller. */
    const char *name;
    enum exposition_type type;
};

struct exposition_label {
    const char *name;
    const char *value;
};

/* For the Content-Type. */
const char *exposition_media_type(bool is_text);

/* Begins a family. The name's last word is the unit, if it has one: "_bytes"; unit is
 * that word, or NULL. Names and help must live until the next family. */
void exposition_family(struct exposition *exposition,
                       const char *name,
                       enum exposition_type type,
                       const char *unit,
                       const char *help);

/* One sample of it. Values of labels may be anything in UTF-8. */
void exposition_sample(struct exposition *exposition,
                       const struct exposition_label *labels,
                       size_t count,
                       double value);

/* "# EOF", which the older format takes for a comment. */
void exposition_end(struct exposition *exposition);
