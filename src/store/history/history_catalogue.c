#include "store/history/history_catalogue.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/mem.h"
#include "store/history/history_bytes.h"
#include "wire/sample.h"

enum { SCALE_MAX = 18 /* decimal digits of 64 bits */ };

struct history_catalogue *history_catalogue_new(const struct history_metric *metrics,
                                                size_t count,
                                                uint32_t interval_ms) {
    assert(count <= SAMPLE_SERIES_MAX);
    struct history_catalogue *catalogue = mem_new(sizeof(*catalogue));
    struct buf bytes = { 0 };

    catalogue->refs = 1;
    catalogue->interval_ms = interval_ms;
    catalogue->count = count;
    catalogue->metrics = mem_new_array(count + 1, sizeof(*metrics));
    for (size_t i = 0; i < count; i++)
        catalogue->metrics[i] = (struct history_metric) {
            .name = mem_strdup(metrics[i].name),
            .unit = mem_strdup(metrics[i].unit ? metrics[i].unit : ""),
            .scale = metrics[i].scale > SCALE_MAX ? SCALE_MAX : metrics[i].scale,
        };

    history_catalogue_write(catalogue, &bytes);
    crypto_sha256(bytes.data, bytes.len, catalogue->hash);
    hex_encode(catalogue->key, catalogue->hash, sizeof(catalogue->hash));
    catalogue->memory = sizeof(*catalogue) + bytes.len + count * (sizeof(*metrics) + 32);
    buf_done(&bytes);
    return catalogue;
}

struct history_catalogue *history_catalogue_ref(struct history_catalogue *catalogue) {
    catalogue->refs++;
    return catalogue;
}

struct history_catalogue *history_catalogue_release(struct history_catalogue *catalogue) {
    if (!catalogue || --catalogue->refs > 0)
        return NULL;
    for (size_t i = 0; i < catalogue->count; i++) {
        free((char *)catalogue->metrics[i].name);
        free((char *)catalogue->metrics[i].unit);
    }
    free(catalogue->metrics);
    free(catalogue);
    return NULL;
}

void history_catalogue_write(const struct history_catalogue *catalogue, struct buf *out) {
    varint_add(out, catalogue->interval_ms);
    varint_add(out, catalogue->count);
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct history_metric *metric = &catalogue->metrics[i];
        history_bytes_add_part(out, slice_of_text(metric->name));
        history_bytes_add_part(out, slice_of_text(metric->unit));
        varint_add(out, metric->scale);
    }
}

static bool take_text(struct slice *bytes, const char **ret_text) {
    struct slice part;
    if (!history_bytes_take_part(bytes, &part))
        return false;
    *ret_text = mem_dup(part.at, part.len);
    return true;
}

static bool take_metric(struct slice *bytes, struct history_metric *metric) {
    uint64_t scale;
    if (!take_text(bytes, &metric->name) || !take_text(bytes, &metric->unit) ||
        !varint_take(bytes, &scale) || scale > SCALE_MAX)
        return false;
    metric->scale = (unsigned)scale;
    return true;
}

struct history_catalogue *history_catalogue_read(struct slice bytes) {
    struct history_catalogue *catalogue = NULL;
    uint64_t interval_ms, count;
    size_t taken = 0;

    if (!varint_take(&bytes, &interval_ms) || interval_ms > UINT32_MAX ||
        !varint_take(&bytes, &count) || count > SAMPLE_SERIES_MAX)
        return NULL;
    struct history_metric *metrics = mem_new_array((size_t)count + 1, sizeof(*metrics));
    while (taken < count && take_metric(&bytes, &metrics[taken]))
        taken++;
    if (taken == count && bytes.len == 0)
        catalogue = history_catalogue_new(metrics, (size_t)count, (uint32_t)interval_ms);
    for (size_t i = 0; i < count; i++) {
        free((char *)metrics[i].name);
        free((char *)metrics[i].unit);
    }
    free(metrics);
    return catalogue;
}

struct sample_chain *history_catalogue_chain(const struct history_catalogue *catalogue) {
    struct sample_chain *chain = sample_chain_new(catalogue->count);
    const char **names = mem_new_array(catalogue->count + 1, sizeof(*names));

    for (size_t i = 0; i < catalogue->count; i++)
        names[i] = catalogue->metrics[i].name;
    sample_chain_pair(chain, names);
    free(names);
    return chain;
}

const struct history_metric *history_catalogue_metrics(
    const struct history_catalogue *catalogue, size_t *ret_count) {
    *ret_count = catalogue->count;
    return catalogue->metrics;
}
