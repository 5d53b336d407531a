#include "agent/spool/spool_catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "agent/collect/sampler.h"
#include "base/mem.h"
#include "wire/sample.h"

static size_t text_len(const struct metric_info *series, size_t count) {
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += strlen(series[i].name) + strlen(series[i].unit) + 2;
    return len;
}

/* Copies a text with its NUL to *at and moves *at behind it. */
static char *put_text(char **at, const char *text) {
    char *copy = *at;

    *at = stpcpy(copy, text) + 1;
    return copy;
}

struct spool_catalogue *spool_catalogue_new(const struct metric_info *series,
                                            size_t count) {
    struct spool_catalogue *catalogue = mem_new(sizeof(*catalogue));
    size_t len = text_len(series, count);

    *catalogue = (struct spool_catalogue) {
        .refs = 1,
        .count = count,
        .bytes = sizeof(*catalogue) + count * sizeof(*series) + len,
        .series = mem_new_array(count + 1, sizeof(*series)),
        .text = mem_new(len + 1),
    };
    char *at = catalogue->text;
    for (size_t i = 0; i < count; i++) {
        catalogue->series[i].name = put_text(&at, series[i].name);
        catalogue->series[i].unit = put_text(&at, series[i].unit);
        catalogue->series[i].scale = series[i].scale;
    }
    return catalogue;
}

struct spool_catalogue *spool_catalogue_ref(struct spool_catalogue *catalogue) {
    catalogue->refs++;
    return catalogue;
}

struct spool_catalogue *spool_catalogue_unref(struct spool_catalogue *catalogue) {
    if (!catalogue || --catalogue->refs > 0)
        return NULL;
    free(catalogue->series);
    free(catalogue->text);
    free(catalogue);
    return NULL;
}

bool spool_catalogue_equals(const struct spool_catalogue *catalogue,
                            const struct metric_info *series,
                            size_t count) {
    if (catalogue->count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct metric_info *own = &catalogue->series[i];
        if (own->scale != series[i].scale || strcmp(own->name, series[i].name) != 0 ||
            strcmp(own->unit, series[i].unit) != 0)
            return false;
    }
    return true;
}

struct sample_chain *spool_catalogue_chain(const struct spool_catalogue *catalogue) {
    struct sample_chain *chain = sample_chain_new(catalogue->count);
    const char **names = mem_new_array(catalogue->count + 1, sizeof(*names));

    for (size_t i = 0; i < catalogue->count; i++)
        names[i] = catalogue->series[i].name;
    sample_chain_pair(chain, names);
    free(names);
    return chain;
}
