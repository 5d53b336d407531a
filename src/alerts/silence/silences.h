/*
 * silences - all silences of the hub, and what they cover
 *
 * Kept by whoever is told of their changes. Reads no clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct incident;
struct silence;
struct silences;

enum { SILENCES_MAX = 1000 };

struct silences_config {
    /* Does the selection mean the node? */
    bool (*is_meant)(void *arg, const char *select, const char *node);
    /* One was put or removed (silence NULL): keep that, look again at who is told. */
    void (*on_change)(void *arg, const char *id, const struct silence *silence);
    void *arg;
};

struct silences *silences_new(const struct silences_config *config);
struct silences *silences_free(struct silences *silences);

/* Takes the silence over. False when there are too many: it is freed. */
bool silences_put(struct silences *silences, struct silence *silence);

/* The same for one that is kept already: nobody is told of the change. */
void silences_load(struct silences *silences, struct silence *silence);
bool silences_remove(struct silences *silences, const char *id);
const struct silence *silences_find(const struct silences *silences, const char *id);

/* Walks, oldest first: *at starts at 0; NULL at the end. */
const struct silence *silences_next(const struct silences *silences, size_t *at);

/* Forgets those that are over. Returns when to come again; 0: never. */
int64_t silences_tidy(struct silences *silences, int64_t now_ms);

/* Until when nobody is told of the incident; 0: it is not silenced. Its own
 * silenced_until_ms counts too. */
int64_t silences_until(const struct silences *silences,
                       const struct incident *incident,
                       int64_t now_ms);
