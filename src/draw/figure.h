/*
 * figure - values with their units, as a chart's axis and legend show them
 *
 * A value always comes in the unit of its metric (bytes, bytes a second, percent); a
 * scale says by what to divide it for the eyes and which symbol follows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { FIGURE_LEN = 48 };

enum figure_unit {
    FIGURE_NUMBER,
    FIGURE_PERCENT,
    FIGURE_BYTES,     /* KiB, MiB, ...: steps of 1024 */
    FIGURE_BYTE_RATE, /* kB/s, MB/s, ...: steps of 1000 */
    FIGURE_BIT_RATE,  /* the value is bytes a second; shown as kbit/s, Mbit/s, ... */
    FIGURE_CELSIUS,
    FIGURE_MS, /* the value is milliseconds */
    FIGURE_SECONDS,
    FIGURE_HERTZ,
    FIGURE_WATT,
    FIGURE_RATE, /* events a second */
    FIGURE_RPM,
    FIGURE_UNIT_COUNT,
};

/* A scale that a person asked for. */
enum figure_fixed {
    FIGURE_AUTO,
    FIGURE_B,
    FIGURE_KIB,
    FIGURE_MIB,
    FIGURE_GIB,
    FIGURE_BIT,
    FIGURE_KBIT,
    FIGURE_MBIT,
    FIGURE_GBIT,
    FIGURE_FIXED_COUNT,
};

struct figure_scale {
    double size;        /* what is shown is value / size */
    const char *symbol; /* "GiB"; "" for a bare number */
};

/* The unit of a metric by its name in the catalogue ("%", "By/s"); others are numbers. */
enum figure_unit figure_unit_of(const char *unit);

/* Can a value of this unit be shown so? Anything can be FIGURE_AUTO. */
bool figure_fits(enum figure_unit unit, enum figure_fixed fixed);

/* Are values of this unit never below zero and best seen from zero up? */
bool figure_is_from_zero(enum figure_unit unit);

/* A full axis for values that are all zero: 1 KiB, 1 kbit/s, 1 of others. */
double figure_least_range(enum figure_unit unit);

/* The scale under which the largest magnitude reads best, or the fixed one. */
struct figure_scale figure_scale(enum figure_unit unit,
                                 enum figure_fixed fixed,
                                 double largest);

/* Writes a value with three digits and its own scale ("1.25 GiB"); "–" for NaN. */
void figure_print(double value,
                  enum figure_unit unit,
                  enum figure_fixed fixed,
                  char ret_text[static FIGURE_LEN]);

/* Writes what is shown: so many decimals, a true minus sign, groups of three digits. */
void figure_print_shown(double shown, int decimals, char ret_text[static FIGURE_LEN]);
