/* chart_bench SCENE TIMES: how long the first and the following pictures take, as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "scenes.h"

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* KiB after a word of /proc/self/smaps_rollup or status. */
static long memory(const char *path, const char *word) {
    struct buf text = { 0 };
    long found = 0;

    if (file_read(path, 65536, &text) == 0) {
        const char *at = strstr(buf_text(&text), word);
        found = at ? atol(at + strlen(word)) : 0;
    }
    buf_done(&text);
    return found;
}

static double draw(const struct chart *chart, size_t *ret_bytes) {
    struct buf png = { 0 };
    uint64_t from = clock_boot_ns();

    if (chart_render(chart, NULL, &png) != 0)
        abort();
    double ms = (double)(clock_boot_ns() - from) / 1e6;
    *ret_bytes = png.len;
    buf_done(&png);
    return ms;
}

/* Seconds since 1970 and the value of each series; all have the same times. */
static void print_data(const struct chart *chart) {
    for (size_t i = 0; i < chart->series[0].count; i++) {
        printf("%lld", (long long)(chart->series[0].times_ms[i] / 1000));
        for (size_t k = 0; k < chart->series_count; k++)
            printf(" %.3f", chart->series[k].mean[i]);
        printf("\n");
    }
}

int main(int argc, char **argv) {
    size_t times = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    struct scene *scene = argc > 1 ? scenes_new(argv[1]) : NULL;

    if (scene && argc > 2 && strcmp(argv[2], "data") == 0) {
        print_data(scenes_chart(scene));
        scenes_free(scene);
        return 0;
    }
    if (!scene || times < 1) {
        fprintf(stderr, "chart_bench SCENE TIMES\n");
        return 2;
    }
    long before = memory("/proc/self/smaps_rollup", "Private_Dirty:");
    size_t bytes;
    double *ms = mem_new_array(times, sizeof(double));
    double cold = draw(scenes_chart(scene), &bytes);
    clock_t cpu = clock();
    for (size_t i = 0; i < times; i++)
        ms[i] = draw(scenes_chart(scene), &bytes);
    double cpu_ms = (double)(clock() - cpu) * 1e3 / CLOCKS_PER_SEC / (double)times;
    qsort(ms, times, sizeof(double), compare);
    printf("{\"cold\":%.2f,\"warm\":%.2f,\"cpu\":%.2f,\"bytes\":%zu,\"peak\":%ld,"
           "\"kept\":%ld}\n",
           cold, ms[times / 2], cpu_ms, bytes, memory("/proc/self/status", "VmHWM:"),
           memory("/proc/self/smaps_rollup", "Private_Dirty:") - before);
    free(ms);
    scenes_free(scene);
    return 0;
}
