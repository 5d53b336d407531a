#include "alerts/silence/silences.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/silence/silence.h"
#include "base/mem.h"
#include "base/name.h"

struct silences {
    struct silences_config config;
    struct silence **rows; /* owned */
    size_t count;
};

struct silences *silences_new(const struct silences_config *config) {
    struct silences *silences = mem_new(sizeof(*silences));

    silences->config = *config;
    return silences;
}

struct silences *silences_free(struct silences *silences) {
    if (!silences)
        return NULL;
    for (size_t i = 0; i < silences->count; i++)
        silence_free(silences->rows[i]);
    free(silences->rows);
    free(silences);
    return NULL;
}

void silences_load(struct silences *silences, struct silence *silence) {
    silences->rows =
        mem_grow(silences->rows, (silences->count + 1) * sizeof(*silences->rows));
    silences->rows[silences->count++] = silence;
}

bool silences_put(struct silences *silences, struct silence *silence) {
    if (silences->count >= SILENCES_MAX) {
        silence_free(silence);
        return false;
    }
    silences_load(silences, silence);
    silences->config.on_change(silences->config.arg, silence->id, silence);
    return true;
}

static void drop(struct silences *silences, size_t i) {
    struct silence *silence = silences->rows[i];

    silences->count--;
    memmove(&silences->rows[i], &silences->rows[i + 1],
            (silences->count - i) * sizeof(*silences->rows));
    silences->config.on_change(silences->config.arg, silence->id, NULL);
    silence_free(silence);
}

bool silences_remove(struct silences *silences, const char *id) {
    for (size_t i = 0; i < silences->count; i++)
        if (strcmp(silences->rows[i]->id, id) == 0) {
            drop(silences, i);
            return true;
        }
    return false;
}

const struct silence *silences_find(const struct silences *silences, const char *id) {
    for (size_t i = 0; i < silences->count; i++)
        if (strcmp(silences->rows[i]->id, id) == 0)
            return silences->rows[i];
    return NULL;
}

const struct silence *silences_next(const struct silences *silences, size_t *at) {
    return *at < silences->count ? silences->rows[(*at)++] : NULL;
}

int64_t silences_tidy(struct silences *silences, int64_t now_ms) {
    int64_t next_ms = 0;

    for (size_t i = silences->count; i > 0; i--)
        if (silence_is_over(silences->rows[i - 1], now_ms))
            drop(silences, i - 1);
    for (size_t i = 0; i < silences->count; i++) {
        const struct silence *row = silences->rows[i];
        if (row->every_ms == 0 && (next_ms == 0 || row->ends_ms < next_ms))
            next_ms = row->ends_ms;
    }
    return next_ms;
}

static bool covers(const struct silences *silences,
                   const struct silence *silence,
                   const struct incident *incident) {
    const struct silences_config *config = &silences->config;

    if (silence->rule[0] && !name_match_glob(silence->rule, incident->rule))
        return false;
    if (!silence->select[0] || strcmp(silence->select, "*") == 0)
        return true;
    if (!incident->nodes)
        return config->is_meant(config->arg, silence->select, incident->node);
    /* One about several nodes is silenced when all of them are. */
    for (size_t i = 0; incident->nodes[i]; i++)
        if (!config->is_meant(config->arg, silence->select, incident->nodes[i]))
            return false;
    return incident->nodes[0] != NULL;
}

int64_t silences_until(const struct silences *silences,
                       const struct incident *incident,
                       int64_t now_ms) {
    int64_t until_ms =
        incident->silenced_until_ms > now_ms ? incident->silenced_until_ms : 0;

    for (size_t i = 0; i < silences->count; i++) {
        int64_t end_ms = silence_until(silences->rows[i], now_ms);
        if (end_ms > until_ms && covers(silences, silences->rows[i], incident))
            until_ms = end_ms;
    }
    return until_ms;
}
