/*
 * silence - of what nobody is told for a while, and maintenance windows
 *
 * A silence covers the incidents of the nodes and rules that it names, from its start to
 * its end, and again so long after each "every". Kept as records ("alerts.silence") by
 * the notifier. Reads no clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct incident;
struct silences;

enum { SILENCES_MAX = 1000, SILENCE_ID_LEN = 8 };

struct silence {
    char id[SILENCE_ID_LEN + 1];
    char *select; /* owned, and so are all texts; never NULL. Nodes: "" is all */
    char *rule;   /* a pattern; "": all */
    char *reason;
    char *created_by;
    int64_t starts_ms;
    int64_t ends_ms;
    uint64_t every_ms; /* 0: once */
};

struct silence *silence_new(void); /* with an id of its own */
struct silence *silence_free(struct silence *silence);

/* When the window that now is in ends, or 0. */
int64_t silence_until(const struct silence *silence, int64_t now_ms);

/* Will it never be in effect again? */
bool silence_is_over(const struct silence *silence, int64_t now_ms);

/* As it is kept. silence_read() gives NULL when it is damaged. */
void silence_write(const struct silence *silence, struct buf *out);
struct silence *silence_read(const char *id, struct slice bytes);

/* All of them. */
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
