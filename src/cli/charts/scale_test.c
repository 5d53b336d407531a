#include "cli/charts/scale.h"

#include <math.h>

#include "base/check.h"

static void a_column_has_the_unit_of_its_greatest_value(void) {
    static const struct {
        const char *unit;
        unsigned places;
        double greatest;
        double value;
        const char *number;
        const char *word;
    } rows[] = {
        { "By", 0, 16718491648.0, 1073741824.0, "1.0", "GiB" },
        { "By", 0, 999, 7, "7", "B" },
        { "By", 0, 1023.9 * 1024 * 1024, 536870912, "0.50", "GiB" },
        { "By/s", 0, 3400000, 120000, "0.12", "MB/s" },
        { "%", 2, 100, 12.345, "12", "%" },
        { "%", 1, 9, 1.25, "1.2", "%" },
        { "Cel", 1, 54.3, 54.3, "54.3", "C" },
        { "1", 0, 12, 12, "12", "" },
        { "1", 2, 0.5, 0.25, "0.25", "" },
        { "s", 0, 273600, 273600, "3.17", "d" },
        { "Hz", 0, 1.8e9, 6e8, "0.60", "GHz" },
        { "RPM", 0, 2100, 2100, "2100", "RPM" },
        { "By", 0, (double)NAN, (double)NAN, "-", "B" },
        { "1", 0, 1e300, 1e300, "1e+300", "" },
        { "", 0, 5, 5, "5", "" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scale scale =
            scale_of(rows[i].unit, rows[i].places, rows[i].greatest, false);
        char text[SCALE_NUMBER_LEN];
        scale_print(&scale, rows[i].value, text);
        CHECK_TEXT(text, rows[i].number);
        CHECK_TEXT(scale.word, rows[i].word);
    }
}

TESTS(TEST(a_column_has_the_unit_of_its_greatest_value))
