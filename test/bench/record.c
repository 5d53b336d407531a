/*
 * record INTERVAL_MS STEP_MS ROWS - this host's figures, as lines of text
 *
 * Takes ROWS samples with the agent's own sampler, one each INTERVAL_MS, and tells it
 * that STEP_MS passed: a time lapse when they differ, so that a recording of an hour is
 * as long as a day. Deviations of the clock are kept as they are. Lines:
 *
 *   catalogue NAME:SCALE ...   whenever the series change; a name may hold colons
 *   MS VALUE ...               integers, "-" where there is none
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/collect/sampler.h"
#include "base/clock.h"

enum { NS_PER_MS = 1000000 };

static void sleep_until(uint64_t boot_ns) {
    struct timespec until = { .tv_sec = (time_t)(boot_ns / 1000000000),
                              .tv_nsec = (long)(boot_ns % 1000000000) };
    while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

static void print_row(const struct sampler *sampler, uint64_t ms, uint32_t *known) {
    size_t count;
    const struct metric_info *metrics = sampler_catalogue(sampler, &count);
    const int64_t *values = sampler_values(sampler);

    if (*known != sampler_catalogue_id(sampler)) {
        *known = sampler_catalogue_id(sampler);
        printf("catalogue");
        for (size_t i = 0; i < count; i++)
            printf(" %s:%u", metrics[i].name, metrics[i].scale);
        printf("\n");
    }
    printf("%" PRIu64, ms);
    for (size_t i = 0; i < count; i++) {
        if (values[i] == SAMPLER_ABSENT)
            printf(" -");
        else
            printf(" %" PRId64, values[i]);
    }
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: record INTERVAL_MS STEP_MS ROWS\n");
        return 2;
    }
    uint64_t interval_ns = strtoull(argv[1], NULL, 10) * NS_PER_MS;
    uint64_t step_ns = strtoull(argv[2], NULL, 10) * NS_PER_MS;
    uint64_t rows = strtoull(argv[3], NULL, 10);
    struct sampler_config config = { 0 };
    struct sampler *sampler = sampler_new(&config);
    uint64_t began_ns = clock_boot_ns();
    uint32_t known = 0;
    int r = 0;

    for (uint64_t i = 0; i < rows && r == 0; i++) {
        sleep_until(began_ns + i * interval_ns);
        uint64_t late_ns = clock_boot_ns() - began_ns - i * interval_ns;
        uint64_t told_ns = began_ns + i * step_ns + late_ns;
        r = sampler_take(sampler, told_ns);
        if (r == 0)
            print_row(sampler, told_ns / NS_PER_MS, &known);
    }
    sampler_free(sampler);
    return r == 0 ? 0 : 1;
}
