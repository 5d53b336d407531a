#include "cli/charts/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "draw/zone.h"

enum { COUNT = 288, STEP_MS = 300000 };

static const int64_t since_ms = INT64_C(1795219200000); /* 2026-11-21 00:00 UTC */

struct data {
    int64_t times_ms[COUNT];
    double mean[COUNT];
    double min[COUNT];
    double max[COUNT];
    size_t count;
};

/* A day in steps of five minutes with a night that nobody has seen. */
static void data_init(struct data *data) {
    *data = (struct data) { 0 };
    for (int i = 0; i < COUNT; i++) {
        if (i >= 36 && i < 72)
            continue;
        double value = 50 - 40 * cos(i * 2 * 3.14159265 / COUNT);
        data->times_ms[data->count] = since_ms + (int64_t)i * STEP_MS;
        data->mean[data->count] = value;
        data->min[data->count] = value - 5;
        data->max[data->count] = value + 10;
        data->count++;
    }
}

static void plot_init(struct plot *plot,
                      struct plot_series *series,
                      const struct data *data,
                      const struct zone *zone) {
    *series = (struct plot_series) {
        .label = "cpu",
        .times_ms = data->times_ms,
        .mean = data->mean,
        .count = data->count,
        .colour = plot_colour(0),
    };
    *plot = (struct plot) {
        .title = "pi  CPU",
        .series = series,
        .series_count = 1,
        .since_ms = since_ms,
        .until_ms = since_ms + (int64_t)COUNT * STEP_MS,
        .gap_ms = STEP_MS + STEP_MS / 2,
        .zone = zone,
        .unit = FIGURE_PERCENT,
        .y_bottom = (double)NAN,
        .y_top = (double)NAN,
        .columns = 60,
        .rows = 14,
    };
}

static char *draw(const struct plot *plot, const struct terminal *terminal) {
    struct buf out = { 0 };
    plot_draw(plot, terminal, &out);
    return buf_take_text(&out);
}

static const char day[] = "pi  CPU  Sat 21 Nov 00:00 – Sun 22 Nov 2026 00:00 UTC\n"
                          "100 % ┤                        ⣀⣀⣀⣀⣀\n"
                          "      │                   ⣀⡤⠖⠊⠉⠁   ⠈⠉⠑⠲⢤⣀\n"
                          " 75 % ┤                ⣠⠔⠋⠁             ⠈⠙⠢⣄\n"
                          "      │             ⣠⠴⠋⠁                   ⠈⠙⠦⣄\n"
                          " 50 % ┤             ⠁                         ⠈⠓⢦⣀\n"
                          " 25 % ┤                                          ⠈⠓⢤⣀\n"
                          "      │  ⣀⣀⠤⠖⠃                                      ⠈⠙⠲⠤⣀⣀\n"
                          "  0 % ┤⠉⠉⠁                                               ⠈⠉⠉\n"
                          "      └┬────────────┬────────────┬────────────┬────────────┬\n"
                          "     00:00        06:00        12:00        18:00      00:00\n"
                          "       Sat 21 Nov                                 Sun 22 Nov\n"
                          "           LAST     MIN    MEAN     MAX\n"
                          "⠤⠤  cpu  10.0 %  10.0 %  52.2 %  90.0 %\n";

/* The night is blank: nothing is drawn where nothing is known. */
static void a_day_looks_like_a_day(void) {
    struct terminal terminal = { .unicode = true };
    struct plot_series series;
    struct data data;
    struct plot plot;
    struct zone *zone;

    CHECK_INT(zone_open("UTC", &zone), 0);
    data_init(&data);
    plot_init(&plot, &series, &data, zone);
    char *text = draw(&plot, &terminal);
    CHECK_TEXT(text, day);
    free(text);
    zone_free(zone);
}

static void ascii_is_enough(void) {
    struct terminal terminal = { .unicode = false };
    struct plot_series series;
    struct data data;
    struct plot plot;
    struct zone *zone;

    CHECK_INT(zone_open("UTC", &zone), 0);
    data_init(&data);
    plot_init(&plot, &series, &data, zone);
    char *text = draw(&plot, &terminal);
    for (const char *at = text; *at; at++)
        CHECK((unsigned char)*at < 0x80);
    CHECK(strstr(text, "100 % +"));
    CHECK(strstr(text, "      ++----"));
    CHECK(strstr(text, "Sat 21 Nov 00:00 - Sun 22 Nov 2026 00:00 UTC"));
    free(text);
    zone_free(zone);
}

static void bands_are_dim_and_thresholds_red(void) {
    struct terminal terminal = { .unicode = true, .colour = true };
    double thresholds[] = { 80 };
    struct plot_series series;
    struct data data;
    struct plot plot;
    struct zone *zone;

    CHECK_INT(zone_open("UTC", &zone), 0);
    data_init(&data);
    plot_init(&plot, &series, &data, zone);
    char *text = draw(&plot, &terminal);
    CHECK(!strstr(text, "\x1b[31m"));
    CHECK(strstr(text, "\x1b[36m"));
    free(text);
    series.min = data.min;
    series.max = data.max;
    plot.thresholds = thresholds;
    plot.threshold_count = 1;
    char *banded = draw(&plot, &terminal);
    CHECK(strstr(banded, "\x1b[31m"));
    const char *band = strstr(banded, "\x1b[2m\xe2\xa3");
    CHECK(band || strstr(banded, "\x1b[2m\xe2\xa2"));
    free(banded);
    zone_free(zone);
}

/* Whatever it is given, lines stay within the columns. */
static void nothing_leaves_the_columns(void) {
    static const size_t widths[] = { 0, 1, 40, 41, 60, 79, 200, 1000 };
    struct terminal terminal = { .unicode = false };
    struct plot_series series;
    struct data data;
    struct plot plot;
    struct zone *zone;

    CHECK_INT(zone_open("Europe/Berlin", &zone), 0);
    data_init(&data);
    for (size_t i = 0; i < 3 * sizeof(widths) / sizeof(widths[0]); i++) {
        size_t columns = widths[i / 3];
        plot_init(&plot, &series, &data, zone);
        plot.columns = columns;
        plot.rows = i % 3 * 50;
        if (i % 3 == 1)
            series.count = 0;
        if (i % 3 == 2)
            for (size_t at = 0; at < series.count; at++)
                data.mean[at] *= at % 7 ? 1e200 : -1e300;
        char *text = draw(&plot, &terminal);
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
            if (strncmp(line, "--  cpu", 7) != 0 && strncmp(line, "      ", 6) != 0)
                CHECK(strcspn(line, "\n") <= (columns < 40 ? 40 : columns));
        free(text);
        data_init(&data);
    }
    zone_free(zone);
}

TESTS(TEST(a_day_looks_like_a_day),
      TEST(ascii_is_enough),
      TEST(bands_are_dim_and_thresholds_red),
      TEST(nothing_leaves_the_columns))
