#include "draw/figure.h"

#include <math.h>

#include "base/check.h"

static void figures_are_written_with_their_scale(void) {
    static const struct {
        double value;
        enum figure_unit unit;
        enum figure_fixed fixed;
        const char *text;
    } rows[] = {
        { 0, FIGURE_PERCENT, 0, "0.0\u2009%" },
        { 99.96, FIGURE_PERCENT, 0, "100.0\u2009%" },
        { -17.94, FIGURE_CELSIUS, 0, "\u221217.9\u2009°C" },
        { -0.01, FIGURE_CELSIUS, 0, "0.0\u2009°C" },
        { 0, FIGURE_BYTES, 0, "0\u2009B" },
        { 1023, FIGURE_BYTES, 0, "1.00\u2009KiB" },
        { 1536, FIGURE_BYTES, 0, "1.50\u2009KiB" },
        { 16.0 * 1024 * 1024 * 1024, FIGURE_BYTES, 0, "16\u2009GiB" },
        { 16.0 * 1024 * 1024 * 1024, FIGURE_BYTES, FIGURE_MIB, "16\u2009384\u2009MiB" },
        { 1536, FIGURE_BYTE_RATE, 0, "1.54\u2009kB/s" },
        { 1536, FIGURE_BYTE_RATE, FIGURE_KIB, "1.50\u2009KiB/s" },
        { 125, FIGURE_BIT_RATE, 0, "1\u2009kbit/s" },
        { 12500000, FIGURE_BIT_RATE, 0, "100\u2009Mbit/s" },
        { 124999, FIGURE_BIT_RATE, 0, "1.00\u2009Mbit/s" },
        { 12500000, FIGURE_BIT_RATE, FIGURE_KBIT, "100\u2009000\u2009kbit/s" },
        { 0.25, FIGURE_MS, 0, "250\u2009µs" },
        { 12.34, FIGURE_MS, 0, "12.3\u2009ms" },
        { 90000, FIGURE_SECONDS, 0, "1.04\u2009d" },
        { 3.4e9, FIGURE_HERTZ, 0, "3.40\u2009GHz" },
        { 7, FIGURE_NUMBER, 0, "7" },
        { 0.253, FIGURE_NUMBER, 0, "0.25" },
        { 12345, FIGURE_NUMBER, 0, "12.3\u2009k" },
        { 1e300, FIGURE_NUMBER, 0, "1e+288\u2009T" },
        { NAN, FIGURE_BYTES, 0, "\u2013" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[FIGURE_LEN];
        figure_print(rows[i].value, rows[i].unit, rows[i].fixed, text);
        CHECK_TEXT(text, rows[i].text);
    }
}

static void units_are_those_of_the_catalogue(void) {
    CHECK_INT(figure_unit_of("%"), FIGURE_PERCENT);
    CHECK_INT(figure_unit_of("By"), FIGURE_BYTES);
    CHECK_INT(figure_unit_of("By/s"), FIGURE_BYTE_RATE);
    CHECK_INT(figure_unit_of("Cel"), FIGURE_CELSIUS);
    CHECK_INT(figure_unit_of("1"), FIGURE_NUMBER);
    CHECK_INT(figure_unit_of("furlong"), FIGURE_NUMBER);
    CHECK_INT(figure_unit_of(NULL), FIGURE_NUMBER);
}

static void only_sizes_and_rates_can_be_fixed(void) {
    CHECK(figure_fits(FIGURE_PERCENT, FIGURE_AUTO));
    CHECK(!figure_fits(FIGURE_PERCENT, FIGURE_GIB));
    CHECK(figure_fits(FIGURE_BYTES, FIGURE_GIB));
    CHECK(!figure_fits(FIGURE_BYTES, FIGURE_MBIT));
    CHECK(figure_fits(FIGURE_BIT_RATE, FIGURE_MBIT));
    CHECK(figure_fits(FIGURE_BYTE_RATE, FIGURE_KIB));
}

TESTS(TEST(figures_are_written_with_their_scale),
      TEST(units_are_those_of_the_catalogue),
      TEST(only_sizes_and_rates_can_be_fixed))
