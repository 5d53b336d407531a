/*
 * incident_list - what the incidents are made of
 *
 * Private to the files incident*.c.
 */
#pragma once

#include "alerts/incidents/incident.h"

struct map;

struct incidents {
    struct incidents_config config;
    struct list all;     /* newest first; of owned struct incident */
    struct list waiting; /* those with changes that are not durable */
    struct list watchers;
    struct map *by_id; /* owned */
    struct map *open;  /* owned: those that go on, by incident_list_key() */
    uint64_t last_id;
    size_t kept;    /* how many are over */
    uint64_t *gone; /* owned: forgotten, and still on the disk */
    size_t gone_count;
    size_t gone_in_batch;
};

struct incident *incident_list_make(const char *rule,
                                    const char *node,
                                    const char *series);
struct incident *incident_list_free(struct incident *incident);

/* Adds to the timeline; when it is full, what lies between its ends makes room. */
void incident_list_step(struct incident *incident, int64_t time_ms, const char *text);

/* A text to free. */
char *incident_list_key(const char *rule, const char *node, const char *series);

/* Puts it first, and into the maps. */
void incident_list_add(struct incidents *incidents, struct incident *incident);

/* It is over: out of those that are open. */
void incident_list_close(struct incidents *incidents, struct incident *incident);
