#include "agent/host/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/collect/sampler.h"
#include "agent/host/host_facts.h"
#include "base/buf.h"
#include "base/clock.h"
#include "wire/json_writer.h"

enum { BETWEEN_MS = 1000 }; /* rates need two samples */

/* One text fact. */
struct fact {
    const char *name; /* as in HostDescription's JSON */
    const char *value;
};

static void print_value(int64_t value, unsigned scale) {
    double divisor = 1;

    for (unsigned i = 0; i < scale; i++)
        divisor *= 10;
    printf("%.*f", (int)scale, (double)value / divisor);
}

static void print_table(const struct fact *facts,
                        size_t fact_count,
                        struct sampler *sampler) {
    size_t count = 0;
    const struct metric_info *series = sampler_catalogue(sampler, &count);
    const int64_t *values = sampler_values(sampler);

    for (size_t i = 0; i < fact_count; i++)
        if (facts[i].value && facts[i].value[0] != '\0')
            printf("%-16s %s\n", facts[i].name, facts[i].value);
    puts("");
    for (size_t i = 0; i < count; i++) {
        if (values[i] == SAMPLER_ABSENT)
            continue;
        printf("%-28s ", series[i].name);
        print_value(values[i], series[i].scale);
        printf(" %s\n", series[i].unit);
    }
}

static void print_json_text(const char *text) {
    struct buf out = { 0 };

    json_writer_quote(&out, slice_of_text(text));
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
}

static void print_json(const struct fact *facts,
                       size_t fact_count,
                       struct sampler *sampler) {
    size_t count = 0;
    const struct metric_info *series = sampler_catalogue(sampler, &count);
    const int64_t *values = sampler_values(sampler);
    const char *comma = "";

    fputs("{", stdout);
    for (size_t i = 0; i < fact_count; i++) {
        printf("%s\"%s\":", i > 0 ? "," : "", facts[i].name);
        print_json_text(facts[i].value ? facts[i].value : "");
    }
    fputs(",\"values\":{", stdout);
    for (size_t i = 0; i < count; i++) {
        if (values[i] == SAMPLER_ABSENT)
            continue;
        fputs(comma, stdout);
        print_json_text(series[i].name);
        fputs(":", stdout);
        print_value(values[i], series[i].scale);
        comma = ",";
    }
    puts("}}");
}

int describe_run(struct sampler *sampler,
                 const char *root,
                 const char *allowed,
                 bool json) {
    struct timespec pause = { .tv_sec = BETWEEN_MS / 1000 };
    struct host_facts host;

    sampler_take(sampler, clock_boot_ns());
    nanosleep(&pause, NULL);
    sampler_take(sampler, clock_boot_ns());
    host_facts_read(&host, root);
    struct fact facts[] = {
        { "hostname", host.hostname },
        { "osRelease", host.os_release },
        { "kernel", host.kernel },
        { "architecture", host.architecture },
        { "cpuModel", host.cpu_model },
        { "hardware", host.hardware },
        { "virtualization", host.virtualization },
        { "user", host.user },
        { "allows", allowed },
    };
    if (json)
        print_json(facts, sizeof(facts) / sizeof(facts[0]), sampler);
    else
        print_table(facts, sizeof(facts) / sizeof(facts[0]), sampler);
    host_facts_done(&host);
    return 0;
}
