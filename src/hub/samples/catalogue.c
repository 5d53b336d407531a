#include "hub/samples/catalogue.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "hub/samples/latest.h"
#include "store/history/history.h"
#include "wire/sample.h"
#include "wire/utf8.h"

enum {
    INTERVAL_LEAST_MS = 100,
    INTERVAL_USUAL_MS = 5000,
    INTERVAL_MOST_MS = 24 * 3600000,
};

static bool is_text(const char *text, size_t max) {
    size_t len = strlen(text);

    if (len > max || !utf8_is_valid(slice_of(text, len)))
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has_twins(const Roost__V1__Catalogue *catalogue) {
    const char **names = mem_new_array(catalogue->n_metrics, sizeof(*names));
    bool found = false;

    for (size_t i = 0; i < catalogue->n_metrics; i++)
        names[i] = catalogue->metrics[i]->name;
    qsort(names, catalogue->n_metrics, sizeof(*names), compare);
    for (size_t i = 1; i < catalogue->n_metrics && !found; i++)
        found = strcmp(names[i - 1], names[i]) == 0;
    free(names);
    return found;
}

const char *catalogue_fault(const Roost__V1__Catalogue *catalogue) {
    if (catalogue->n_metrics > LATEST_SERIES_MAX)
        return "its catalogue has more than 4,096 metrics";
    if (catalogue->epoch == 0)
        return "its catalogue names no epoch";
    if (catalogue->boot_id.len != CATALOGUE_BOOT_LEN)
        return "its catalogue names no boot";
    for (size_t i = 0; i < catalogue->n_metrics; i++) {
        const Roost__V1__MetricInfo *metric = catalogue->metrics[i];
        if (metric->name[0] == '\0' || !is_text(metric->name, LATEST_NAME_MAX))
            return "a metric's name is empty, no text, or longer than 256 bytes";
        if (!is_text(metric->unit, CATALOGUE_UNIT_MAX))
            return "a metric's unit is no text, or longer than 32 bytes";
        if (metric->scale > CATALOGUE_SCALE_MAX)
            return "a metric has more than 18 decimal places";
    }
    return has_twins(catalogue) ? "two metrics have the same name" : NULL;
}

uint32_t catalogue_interval_ms(const Roost__V1__Catalogue *catalogue) {
    uint32_t ms = catalogue->interval_ms;

    if (ms == 0)
        return INTERVAL_USUAL_MS;
    return ms < INTERVAL_LEAST_MS  ? INTERVAL_LEAST_MS
           : ms > INTERVAL_MOST_MS ? INTERVAL_MOST_MS
                                   : ms;
}

struct sample_chain *catalogue_chain(const Roost__V1__Catalogue *catalogue) {
    struct sample_chain *chain = sample_chain_new(catalogue->n_metrics);
    const char **names = mem_new_array(catalogue->n_metrics, sizeof(*names));

    for (size_t i = 0; i < catalogue->n_metrics; i++)
        names[i] = catalogue->metrics[i]->name;
    sample_chain_pair(chain, names);
    free(names);
    return chain;
}

struct history_catalogue *catalogue_history(const Roost__V1__Catalogue *catalogue) {
    struct history_metric *metrics =
        mem_new_array(catalogue->n_metrics, sizeof(*metrics));

    for (size_t i = 0; i < catalogue->n_metrics; i++)
        metrics[i] = (struct history_metric) {
            .name = catalogue->metrics[i]->name,
            .unit = catalogue->metrics[i]->unit,
            .scale = catalogue->metrics[i]->scale,
        };
    struct history_catalogue *result = history_catalogue_new(
        metrics, catalogue->n_metrics, catalogue_interval_ms(catalogue));
    free(metrics);
    return result;
}
