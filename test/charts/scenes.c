#include "scenes.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

enum {
    SECOND = 1000,
    MINUTE = 60 * SECOND,
    HOUR = 60 * MINUTE,
    SERIES_MAX = 16,
};

static const int64_t DAY = INT64_C(24) * HOUR;
static const int64_t NOW = INT64_C(1792573200000); /* Wed 21 Oct 2026, 09:00 UTC */

/* What a scene fills in; everything goes with it. */
struct scene {
    struct chart chart;
    struct chart_series series[SERIES_MAX];
    struct chart_threshold thresholds[2];
    void *owned[SERIES_MAX * 4];
    size_t owned_count;
    uint32_t seed;
};

/* A value for a place in time: at is 0 to 1 over the period. */
typedef double shape(struct scene *scene, double at, int64_t ms);

static double noise(struct scene *scene) {
    scene->seed = scene->seed * 1664525 + 1013904223;
    return (double)(scene->seed >> 8) / (1 << 24);
}

static double *new_values(struct scene *scene, size_t count) {
    double *values = mem_new_array(count, sizeof(double));
    scene->owned[scene->owned_count++] = values;
    return values;
}

static void set_period(struct scene *scene, int64_t span, int64_t step) {
    scene->chart.since_ms = NOW - span;
    scene->chart.until_ms = NOW;
    scene->chart.gap_ms = step * 5 / 2;
}

/* Adds a raw series with a sample every step. */
static struct chart_series *add_raw(struct scene *scene,
                                    const char *label,
                                    int64_t step,
                                    shape *value_at) {
    struct chart *chart = &scene->chart;
    size_t count = (size_t)((chart->until_ms - chart->since_ms) / step);
    struct chart_series *series = &scene->series[chart->series_count++];
    int64_t *times = mem_new_array(count, sizeof(int64_t));
    double *mean = new_values(scene, count);

    scene->owned[scene->owned_count++] = times;
    for (size_t i = 0; i < count; i++) {
        times[i] = chart->since_ms + (int64_t)(i + 1) * step;
        mean[i] = value_at(scene, (double)(i + 1) / (double)count, times[i]);
    }
    *series = (struct chart_series) {
        .label = label, .times_ms = times, .mean = mean, .count = count
    };
    return series;
}

/* Adds a series of a tier: with lowest and highest values around the mean. */
static void add_tier(struct scene *scene,
                     const char *label,
                     int64_t step,
                     shape *value_at,
                     double spread) {
    struct chart_series *series = add_raw(scene, label, step, value_at);
    double *min = new_values(scene, series->count);
    double *max = new_values(scene, series->count);

    for (size_t i = 0; i < series->count; i++) {
        min[i] = series->mean[i] - spread * noise(scene);
        max[i] = series->mean[i] + spread * 1.6 * noise(scene);
        if (min[i] < 0 && series->mean[i] >= 0)
            min[i] = 0;
    }
    series->min = min;
    series->max = max;
}

static double wave(double at, double turns) {
    return 0.5 + 0.5 * sin(at * turns * 2 * M_PI);
}

static double cpu(struct scene *scene, double at, int64_t ms) {
    double burst = noise(scene) > 0.996 ? 45 : 0;
    double backup = at > 0.62 && at < 0.66 ? 38 : 0;
    double value = 9 + 22 * wave(at, 1.3) + 7 * noise(scene) + burst + backup;
    return value < 100 ? value : 100;
}

static double memory(struct scene *scene, double at, int64_t ms) {
    return 41 + 12 * at + (at > 0.5 ? 9 : 0) + 0.6 * noise(scene);
}

static double gpu(struct scene *scene, double at, int64_t ms) {
    return wave(at, 5) > 0.6 ? 88 + 10 * noise(scene) : 2 * noise(scene);
}

static double vram(struct scene *scene, double at, int64_t ms) {
    return wave(at, 5) > 0.55 ? 71 + noise(scene) : 6;
}

static double received(struct scene *scene, double at, int64_t ms) {
    double stream = at > 0.35 && at < 0.55 ? 3.1e6 : 0;
    return 4e4 + stream * (0.8 + 0.4 * noise(scene)) + 9e5 * pow(noise(scene), 12);
}

static double sent(struct scene *scene, double at, int64_t ms) {
    return 2e4 + 6e5 * wave(at, 2.2) * noise(scene);
}

static double filling(struct scene *scene, double at, int64_t ms) {
    return 61 + 31 * at - (at > 0.7 ? 14 : 0) + 0.2 * noise(scene);
}

static double heat(struct scene *scene, double at, int64_t ms) {
    return 47 + 9 * wave(at, 1.3) + 1.2 * noise(scene);
}

static double frost(struct scene *scene, double at, int64_t ms) {
    return -18 + 14 * wave(at, 2) + 0.8 * noise(scene);
}

static double huge(struct scene *scene, double at, int64_t ms) {
    return 7.3e15 * (0.6 + 0.4 * wave(at, 3)) + 1e14 * noise(scene);
}

static double zero(struct scene *scene, double at, int64_t ms) {
    return 0;
}

static double constant(struct scene *scene, double at, int64_t ms) {
    return 42.4;
}

static double used(struct scene *scene, double at, int64_t ms) {
    return (5.1 + 2.3 * wave(at, 1.7) + 0.1 * noise(scene)) * 1024 * 1024 * 1024;
}

static double ping(struct scene *scene, double at, int64_t ms) {
    double spike = noise(scene) > 0.99 ? 80 * noise(scene) : 0;
    return 11 + 3 * pow(noise(scene), 3) + spike;
}

/* Takes samples away, as if the agent had been off. */
static void cut(struct scene *scene, size_t place, double from, double to) {
    struct chart_series *series = &scene->series[place];
    const struct chart *chart = &scene->chart;
    double span = (double)(chart->until_ms - chart->since_ms);
    double *mean = (double *)(void *)series->mean;

    for (size_t i = 0; i < series->count; i++) {
        double at = (double)(series->times_ms[i] - chart->since_ms) / span;
        if (at > from && at < to)
            mean[i] = NAN;
    }
}

static void set_percent(struct scene *scene) {
    scene->chart.unit = FIGURE_PERCENT;
    scene->chart.y_bottom = 0;
    scene->chart.y_top = 100;
}

static void build_cpu_10m(struct scene *scene) {
    scene->chart.title = "pi4 \u00b7 CPU";
    set_percent(scene);
    set_period(scene, 10 * MINUTE, 5 * SECOND);
    add_raw(scene, "cpu", 5 * SECOND, cpu);
}

static void build_cpu_1h(struct scene *scene) {
    scene->chart.title = "pi4 \u00b7 CPU";
    set_percent(scene);
    set_period(scene, HOUR, 5 * SECOND);
    add_raw(scene, "cpu", 5 * SECOND, cpu);
}

static void build_cpu_24h(struct scene *scene) {
    scene->chart.title = "pi4 \u00b7 CPU";
    set_percent(scene);
    set_period(scene, DAY, 5 * SECOND);
    add_raw(scene, "cpu", 5 * SECOND, cpu);
    scene->thresholds[0] = (struct chart_threshold) { 90, "critical 90\u2009%" };
    scene->chart.threshold_count = 1;
    cut(scene, 0, 0.27, 0.33);
}

static void build_all_7d(struct scene *scene) {
    int64_t step = 15 * MINUTE;
    scene->chart.title = "workstation \u00b7 CPU, memory, GPU, VRAM";
    set_percent(scene);
    set_period(scene, 7 * DAY, step);
    add_tier(scene, "CPU", step, cpu, 8);
    add_tier(scene, "Memory", step, memory, 1);
    add_tier(scene, "GPU", step, gpu, 3);
    add_tier(scene, "VRAM", step, vram, 2);
    cut(scene, 2, 0.7, 0.8);
    for (size_t i = 0; i < 4; i++)
        cut(scene, i, 0.08, 0.13);
}

static void build_net_24h(struct scene *scene) {
    scene->chart.title = "nas \u00b7 Network";
    scene->chart.unit = FIGURE_BIT_RATE;
    scene->chart.y_bottom = 0;
    set_period(scene, DAY, MINUTE);
    add_tier(scene, "received", MINUTE, received, 2e5);
    add_tier(scene, "sent", MINUTE, sent, 1e5);
}

static void build_temp_1y(struct scene *scene) {
    int64_t step = 2 * HOUR;
    scene->chart.title = "pi4 \u00b7 Temperature";
    scene->chart.unit = FIGURE_CELSIUS;
    set_period(scene, 365 * DAY, step);
    add_tier(scene, "temp.cpu", step, heat, 5);
    cut(scene, 0, 0.4, 0.45);
}

static void build_disk(struct scene *scene) {
    scene->chart.title = "nas \u00b7 Disk space";
    set_percent(scene);
    set_period(scene, 90 * DAY, 2 * HOUR);
    add_tier(scene, "disk:/", 2 * HOUR, memory, 1);
    add_tier(scene, "disk:/srv", 2 * HOUR, filling, 0.5);
    scene->thresholds[0] = (struct chart_threshold) { 80, "warning 80\u2009%" };
    scene->thresholds[1] = (struct chart_threshold) { 95, "critical 95\u2009%" };
    scene->chart.threshold_count = 2;
}

static void build_gpu(struct scene *scene) {
    scene->chart.title = "workstation \u00b7 GPU";
    set_percent(scene);
    set_period(scene, 6 * HOUR, 30 * SECOND);
    add_raw(scene, "gpu", 30 * SECOND, gpu);
}

static void build_gpu_moved(struct scene *scene) {
    build_gpu(scene);
    scene->chart.y_top = 100.6;
}

static void build_gpu_renamed(struct scene *scene) {
    build_gpu(scene);
    scene->chart.title = "workstatien \u00b7 GPU";
}

static void build_vram(struct scene *scene) {
    scene->chart.title = "workstation \u00b7 GPU memory";
    set_percent(scene);
    set_period(scene, 6 * HOUR, MINUTE);
    add_tier(scene, "vram", MINUTE, vram, 1.5);
}

/* The night in which the clocks go forward: 02:00 is missing. */
static void build_custom_summer(struct scene *scene) {
    struct chart *chart = &scene->chart;
    chart->title = "router \u00b7 net.rx:wan, net.tx:wan";
    chart->unit = FIGURE_BIT_RATE;
    chart->fixed = FIGURE_KBIT;
    chart->y_bottom = 0;
    chart->y_top = 30e6 / 8;
    set_period(scene, 8 * HOUR, MINUTE);
    chart->until_ms = INT64_C(1774760400000); /* Sun 29 Mar 2026, 05:00 UTC */
    chart->since_ms = chart->until_ms - 8 * HOUR;
    add_raw(scene, "net.rx:wan", MINUTE, received);
    add_raw(scene, "net.tx:wan", MINUTE, sent);
}

static void build_frost(struct scene *scene) {
    scene->chart.title = "freezer \u00b7 Temperature";
    scene->chart.unit = FIGURE_CELSIUS;
    set_period(scene, 3 * DAY, 10 * MINUTE);
    add_raw(scene, "temp:probe", 10 * MINUTE, frost);
    scene->thresholds[0] = (struct chart_threshold) { -8, NULL };
    scene->chart.threshold_count = 1;
}

static void build_memory_30d(struct scene *scene) {
    scene->chart.title = "\u0414\u043e\u043c\u0430\u0448\u043d\u0438\u0439 \u0441\u0435"
                         "\u0440\u0432\u0435\u0440 \u00b7 \u041f\u0430\u043c\u044f\u0442"
                         "\u044c";
    scene->chart.unit = FIGURE_BYTES;
    set_period(scene, 30 * DAY, 15 * MINUTE);
    add_tier(scene, "mem.used", 15 * MINUTE, used, 4e8);
}

static void build_phone(struct scene *scene) {
    build_net_24h(scene);
    scene->chart.width = 480;
    scene->chart.height = 360;
    scene->chart.scale = 2;
}

static void build_many(struct scene *scene) {
    static const char *const labels[] = {
        "cpu:0", "cpu:1", "cpu:2", "cpu:3",  "cpu:4",  "cpu:5",  "cpu:6",
        "cpu:7", "cpu:8", "cpu:9", "cpu:10", "cpu:11", "cpu:12", "cpu:13",
    };
    scene->chart.title = "epyc \u00b7 CPU by core";
    set_percent(scene);
    set_period(scene, 6 * HOUR, 5 * MINUTE);
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        add_raw(scene, labels[i], 5 * MINUTE, memory);
        double *mean = (double *)(void *)scene->series[i].mean;
        for (size_t k = 0; k < scene->series[i].count; k++)
            mean[k] = mean[k] * 0.4 + 5.0 * (double)i;
    }
}

static void build_long(struct scene *scene) {
    scene->chart.title =
        "a-host-with-a-very-long-name.in-some-department.example.org \u00b7 a metric "
        "whose "
        "name is as long as its host's and then some more of it, to be sure";
    scene->chart.width = 800;
    set_period(scene, 2 * HOUR, MINUTE);
    add_raw(scene, "disk:/var/lib/some/folder/that/is/deep/in/the/tree/of/folders",
            MINUTE, memory);
    add_raw(scene, "\u65e5\u672c\u8a9e\u306e\u540d\u524d", MINUTE, heat);
}

static void build_empty(struct scene *scene) {
    scene->chart.title = "new \u00b7 CPU";
    set_percent(scene);
    set_period(scene, HOUR, 5 * SECOND);
    scene->series[scene->chart.series_count++] = (struct chart_series) { .label = "cpu" };
}

static void build_one_point(struct scene *scene) {
    scene->chart.title = "new \u00b7 Memory";
    scene->chart.unit = FIGURE_BYTES;
    set_period(scene, HOUR, MINUTE);
    add_raw(scene, "mem.used", MINUTE, used);
    scene->series[0].times_ms += 40;
    scene->series[0].count = 1;
}

static void build_zero(struct scene *scene) {
    scene->chart.title = "idle \u00b7 Network";
    scene->chart.unit = FIGURE_BIT_RATE;
    set_period(scene, HOUR, MINUTE);
    add_raw(scene, "net.rx", MINUTE, zero);
}

static void build_constant(struct scene *scene) {
    scene->chart.title = "lab \u00b7 Temperature";
    scene->chart.unit = FIGURE_CELSIUS;
    set_period(scene, 12 * HOUR, MINUTE);
    add_raw(scene, "temp", MINUTE, constant);
}

static void build_huge(struct scene *scene) {
    scene->chart.title = "ceph \u00b7 Space";
    scene->chart.unit = FIGURE_BYTES;
    set_period(scene, 90 * DAY, 2 * HOUR);
    add_tier(scene, "disk.used", 2 * HOUR, huge, 5e14);
}

static void build_ping(struct scene *scene) {
    scene->chart.title = "pi4 \u00b7 Stability";
    scene->chart.unit = FIGURE_MS;
    set_period(scene, 15 * MINUTE, SECOND);
    add_raw(scene, "round trip", SECOND, ping);
}

static void build_bench(struct scene *scene) {
    scene->chart.title = "pi4 \u00b7 CPU, memory";
    set_percent(scene);
    set_period(scene, DAY, 5 * SECOND);
    add_raw(scene, "cpu", 5 * SECOND, cpu);
    add_raw(scene, "mem", 5 * SECOND, memory);
}

static const struct row {
    const char *name;
    void (*build)(struct scene *scene);
} rows[] = {
    { "cpu-10m", build_cpu_10m },
    { "cpu-1h", build_cpu_1h },
    { "cpu-24h", build_cpu_24h },
    { "all-7d", build_all_7d },
    { "net-24h", build_net_24h },
    { "temp-1y", build_temp_1y },
    { "frost-3d", build_frost },
    { "memory-30d", build_memory_30d },
    { "phone", build_phone },
    { "many-6h", build_many },
    { "long-names", build_long },
    { "empty", build_empty },
    { "one-point", build_one_point },
    { "zero", build_zero },
    { "constant-12h", build_constant },
    { "huge-90d", build_huge },
    { "disk-90d", build_disk },
    { "gpu-6h", build_gpu },
    { "gpu-6h-moved", build_gpu_moved },
    { "gpu-6h-renamed", build_gpu_renamed },
    { "vram-6h", build_vram },
    { "custom-summer", build_custom_summer },
    { "ping-15m", build_ping },
    { "bench", build_bench },
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

const char *scenes_name(size_t place) {
    return place < ROW_COUNT ? rows[place].name : NULL;
}

static const struct row *find(const char *name, struct chart *chart) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        size_t len = strlen(rows[i].name);
        if (strncmp(rows[i].name, name, len) != 0)
            continue;
        const char *rest = name + len;
        bool light = strncmp(rest, "-light", 6) == 0;
        rest += light ? 6 : 0;
        bool twice = strcmp(rest, "-2x") == 0;
        rest += twice ? 3 : 0;
        if (*rest)
            continue;
        chart->theme = light ? CHART_LIGHT : CHART_DARK;
        chart->scale = twice ? 2 : 1;
        return &rows[i];
    }
    return NULL;
}

struct scene *scenes_new(const char *name) {
    struct scene *scene = mem_new(sizeof(*scene));

    scene->seed = 7;
    chart_init(&scene->chart);
    scene->chart.time_zone = "Europe/Berlin";
    const struct row *row = find(name, &scene->chart);
    if (!row)
        return scenes_free(scene);
    scene->chart.series = scene->series;
    scene->chart.thresholds = scene->thresholds;
    row->build(scene);
    return scene;
}

struct scene *scenes_free(struct scene *scene) {
    for (size_t i = 0; i < scene->owned_count; i++)
        free(scene->owned[i]);
    free(scene);
    return NULL;
}

const struct chart *scenes_chart(const struct scene *scene) {
    return &scene->chart;
}
