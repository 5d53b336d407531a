#include "alerts/silence.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/incident.h"
#include "alerts/silence_message.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/name.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

struct silence *silence_new(void) {
    struct silence *silence = mem_new(sizeof(*silence));
    uint8_t random[SILENCE_ID_LEN / 2];

    *silence = (struct silence) {
        .select = mem_strdup(""),
        .rule = mem_strdup(""),
        .reason = mem_strdup(""),
        .created_by = mem_strdup(""),
    };
    crypto_random(random, sizeof(random));
    hex_encode(silence->id, random, sizeof(random));
    return silence;
}

struct silence *silence_free(struct silence *silence) {
    if (!silence)
        return NULL;
    free(silence->select);
    free(silence->rule);
    free(silence->reason);
    free(silence->created_by);
    free(silence);
    return NULL;
}

int64_t silence_until(const struct silence *silence, int64_t now_ms) {
    int64_t every_ms = (int64_t)silence->every_ms;
    int64_t shift_ms = 0;

    if (now_ms < silence->starts_ms)
        return 0;
    if (every_ms > 0)
        shift_ms = (now_ms - silence->starts_ms) / every_ms * every_ms;
    return now_ms < silence->ends_ms + shift_ms ? silence->ends_ms + shift_ms : 0;
}

bool silence_is_over(const struct silence *silence, int64_t now_ms) {
    return silence->every_ms == 0 && now_ms >= silence->ends_ms;
}

void silence_write(const struct silence *silence, struct buf *out) {
    struct silence_message message;

    silence_message_init(&message, silence);
    pb_pack(out, &message.silence.base);
}

struct silence *silence_read(const char *id, struct slice bytes) {
    ProtobufCMessage *message;

    if (strlen(id) != SILENCE_ID_LEN ||
        pb_unpack(&roost__v1__silence__descriptor, bytes, &message) != 0)
        return NULL;
    const Roost__V1__Silence *from = (const Roost__V1__Silence *)message;
    struct silence *silence = silence_new();
    memcpy(silence->id, id, SILENCE_ID_LEN);
    incident_set(&silence->select, from->select);
    incident_set(&silence->rule, from->rule);
    incident_set(&silence->reason, from->reason);
    incident_set(&silence->created_by, from->created_by);
    silence->starts_ms = timestamp_get(from->starts);
    silence->ends_ms = timestamp_get(from->ends);
    silence->every_ms = (uint64_t)from->every_s * 1000;
    pb_free(message);
    return silence;
}

/* --- all of them --- */

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
