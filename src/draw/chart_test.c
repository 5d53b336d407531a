#include "draw/chart.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

enum { COUNT = 600, STEP_MS = 5000 };

static const int64_t SINCE_MS = INT64_C(1792500000000);

/* A chart of one series, whose fields a test then makes worse. */
struct sample_chart {
    int64_t times[COUNT];
    double values[COUNT];
    struct chart_series series[CHART_SERIES_MAX + 1];
    struct chart chart;
};

static struct sample_chart *new_sample(void) {
    struct sample_chart *sample = mem_new(sizeof(*sample));

    for (int i = 0; i < COUNT; i++) {
        sample->times[i] = SINCE_MS + (int64_t)i * STEP_MS;
        sample->values[i] = 50 + 40 * sin(i / 40.0);
    }
    for (size_t i = 0; i <= CHART_SERIES_MAX; i++)
        sample->series[i] = (struct chart_series) {
            .label = "cpu",
            .times_ms = sample->times,
            .mean = sample->values,
            .count = COUNT,
        };
    chart_init(&sample->chart);
    sample->chart.title = "pi4 \u00b7 CPU";
    sample->chart.series = sample->series;
    sample->chart.series_count = 1;
    sample->chart.since_ms = SINCE_MS;
    sample->chart.until_ms = SINCE_MS + COUNT * STEP_MS;
    sample->chart.time_zone = "UTC";
    sample->chart.unit = FIGURE_PERCENT;
    return sample;
}

static int render(const struct chart *chart) {
    struct buf png = { 0 };
    int r = chart_render(chart, NULL, &png);

    CHECK(r == 0 ? png.len > 100 && memcmp(png.data, "\x89PNG", 4) == 0 : png.len == 0);
    buf_done(&png);
    return r;
}

static void a_chart_is_a_png_of_its_size(void) {
    struct sample_chart *sample = new_sample();
    struct buf png = { 0 };

    sample->chart.width = 640;
    sample->chart.height = 400;
    sample->chart.scale = 2;
    buf_add_text(&png, "before");
    CHECK_INT(chart_render(&sample->chart, NULL, &png), 0);
    CHECK(memcmp(png.data, "before\x89PNG", 10) == 0);
    CHECK_INT(png.data[6 + 18] << 8 | png.data[6 + 19], 1280);
    CHECK_INT(png.data[6 + 22] << 8 | png.data[6 + 23], 800);
    buf_done(&png);
    free(sample);
}

static void what_cannot_be_drawn_is_refused(void) {
    struct sample_chart *sample = new_sample();
    struct chart *chart = &sample->chart;
    const struct chart good = *chart;

#define REFUSES(change)                                                                  \
    do {                                                                                 \
        *chart = good;                                                                   \
        change;                                                                          \
        CHECK_INT(render(chart), -EINVAL);                                               \
    } while (0)
    REFUSES(chart->width = 0);
    REFUSES(chart->width = 1 << 30);
    REFUSES(chart->height = -600);
    REFUSES(chart->scale = 0);
    REFUSES(chart->scale = 100);
    REFUSES(chart->until_ms = chart->since_ms);
    REFUSES(chart->until_ms = INT64_MAX);
    REFUSES(chart->since_ms = INT64_MIN);
    REFUSES(chart->series_count = CHART_SERIES_MAX + 1);
    REFUSES(chart->threshold_count = CHART_THRESHOLDS_MAX + 1);
    REFUSES(chart->y_top = INFINITY);
    REFUSES(chart->y_bottom = 100; chart->y_top = 100);
    REFUSES(chart->fixed = FIGURE_GIB);
    REFUSES(chart->unit = FIGURE_UNIT_COUNT);
    REFUSES(chart->time_zone = "Europe/Nowhere");
    REFUSES(chart->time_zone = "../etc/passwd");
    REFUSES(sample->times[5] = 0);
#undef REFUSES
    free(sample);
}

static void odd_data_is_drawn(void) {
    static const double values[] = { 0,         -0.0,  NAN,    INFINITY,
                                     -INFINITY, 1e300, -1e300, 1e-300 };
    enum { VALUES = sizeof(values) / sizeof(values[0]) };

    for (size_t i = 0; i < VALUES * VALUES; i++) {
        struct sample_chart *sample = new_sample();
        for (size_t k = 0; k < COUNT; k++)
            sample->values[k] = values[k % 2 ? i / VALUES : i % VALUES];
        sample->chart.unit = (enum figure_unit)(i % FIGURE_UNIT_COUNT);
        sample->chart.y_top = i % 3 ? NAN : 100;
        sample->chart.width = 300;
        sample->chart.height = 200;
        CHECK_INT(render(&sample->chart), 0);
        free(sample);
    }
}

static void any_size_has_a_picture(void) {
    struct sample_chart *sample = new_sample();

    for (int width = CHART_SIDE_MIN; width <= 1500; width += 433)
        for (int height = CHART_SIDE_MIN; height <= 1100; height += 300)
            for (size_t count = 0; count <= CHART_SERIES_MAX; count += 16) {
                sample->chart.width = width;
                sample->chart.height = height;
                sample->chart.series_count = count;
                sample->chart.theme = count % 32 ? CHART_LIGHT : CHART_DARK;
                CHECK_INT(render(&sample->chart), 0);
            }
    free(sample);
}

static void damaged_words_are_drawn(void) {
    static const char *const words[] = {
        "",
        "\xff\xfe\x80",
        "two\nlines\ttab\x01",
        "\xe2\x80\xae rtl \xd7\x90\xd7\x91",
        "\xf0\x9f\x98\x80 smile",
        "100% %s %n",
        "<b>no markup</b> &amp;",
    };
    struct sample_chart *sample = new_sample();
    struct chart_threshold threshold = { .value = 70 };
    char *book = mem_new(100001);

    memset(book, 'W', 100000);
    sample->chart.thresholds = &threshold;
    sample->chart.threshold_count = 1;
    for (size_t i = 0; i <= sizeof(words) / sizeof(words[0]); i++) {
        const char *word = i < sizeof(words) / sizeof(words[0]) ? words[i] : book;
        sample->chart.title = sample->chart.subtitle = word;
        sample->series[0].label = threshold.label = word;
        CHECK_INT(render(&sample->chart), 0);
    }
    sample->chart.title = sample->chart.subtitle = NULL;
    sample->series[0].label = threshold.label = NULL;
    threshold.value = NAN;
    CHECK_INT(render(&sample->chart), 0);
    free(book);
    free(sample);
}

static void nobody_waits_for_a_cancelled_chart(void) {
    struct sample_chart *sample = new_sample();
    atomic_bool cancelled = true;
    struct buf png = { 0 };

    CHECK_INT(chart_render(&sample->chart, &cancelled, &png), -ECANCELED);
    CHECK_INT(png.len, 0);
    buf_done(&png);
    free(sample);
}

struct worker {
    pthread_t thread;
    const struct chart *chart; /* borrowed: the test's */
    const struct buf *wanted;  /* borrowed: the test's */
    int differing;
};

static void *draw_ten(void *worker_pointer) {
    struct worker *worker = worker_pointer;

    for (int i = 0; i < 10; i++) {
        struct buf png = { 0 };
        if (chart_render(worker->chart, NULL, &png) != 0 ||
            !slice_equal(buf_slice(&png), buf_slice(worker->wanted)))
            worker->differing++;
        buf_done(&png);
    }
    return NULL;
}

static void threads_draw_the_same_at_once(void) {
    enum { WORKERS = 4 };
    struct sample_chart *sample = new_sample();
    struct worker workers[WORKERS];
    struct buf png = { 0 };

    CHECK_INT(chart_render(&sample->chart, NULL, &png), 0);
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker) { .chart = &sample->chart, .wanted = &png };
        CHECK_INT(pthread_create(&workers[i].thread, NULL, draw_ten, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK_INT(workers[i].differing, 0);
    }
    buf_done(&png);
    free(sample);
}

TESTS(TEST(a_chart_is_a_png_of_its_size),
      TEST(what_cannot_be_drawn_is_refused),
      TEST(odd_data_is_drawn),
      TEST(any_size_has_a_picture),
      TEST(damaged_words_are_drawn),
      TEST(nobody_waits_for_a_cancelled_chart),
      TEST(threads_draw_the_same_at_once))
