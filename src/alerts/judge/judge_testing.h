/*
 * judge_testing - a judge, its incidents and the disk below them, for tests
 */
#pragma once

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/judge/alerts.h"
#include "alerts/rules/rules_built_in.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/records.h"

typedef void judge_testing_told(void *arg,
                                struct incident *incident,
                                enum incident_change change);

struct judge_testing {
    struct incidents *incidents;
    struct alerts *alerts;
    struct incident_watcher watcher;
    judge_testing_told *told;
    void *arg;
    struct map *disk;  /* what is durable: "space\tkey" */
    char *nodes[16];   /* those that were put */
    int64_t joined_ms; /* of all of them */
    int64_t start_ms;
    bool has_built_ins;
};

static inline void judge_testing_on_change(struct incident_watcher *watcher,
                                           struct incident *incident,
                                           enum incident_change change) {
    struct judge_testing *hub = container_of(watcher, struct judge_testing, watcher);

    if (hub->told)
        hub->told(hub->arg, incident, change);
}

static inline void judge_testing_open(struct judge_testing *hub) {
    struct alerts_config config = { .start_ms = hub->start_ms };

    rules_built_in_defaults(&config.defaults);
    config.defaults.is_off = !hub->has_built_ins;
    hub->incidents = incidents_new(&(struct incidents_config) { 0 });
    config.incidents = hub->incidents;
    hub->alerts = alerts_new(&config);
    hub->watcher = (struct incident_watcher) { .on_change = judge_testing_on_change };
    incidents_watch(hub->incidents, &hub->watcher);
}

static inline void judge_testing_close(struct judge_testing *hub) {
    incidents_unwatch(&hub->watcher);
    hub->alerts = alerts_free(hub->alerts);
    hub->incidents = incidents_free(hub->incidents);
}

static inline void judge_testing_init(struct judge_testing *hub,
                                      judge_testing_told *told,
                                      void *arg) {
    *hub = (struct judge_testing) { .told = told, .arg = arg, .disk = map_new() };
    judge_testing_open(hub);
    alerts_start(hub->alerts);
}

static inline void judge_testing_done(struct judge_testing *hub) {
    void *value;
    size_t at = 0;

    judge_testing_close(hub);
    while ((value = map_next(hub->disk, &at, NULL)))
        free(value);
    map_free(hub->disk);
    for (size_t i = 0; i < 16; i++)
        free(hub->nodes[i]);
}

static inline void judge_testing_tell_node(struct judge_testing *hub, const char *name) {
    alerts_put_node(hub->alerts,
                    &(struct alerts_node) {
                        .name = name,
                        .is_online = true,
                        .since_ms = 1,
                        .joined_ms = hub->joined_ms,
                        .why = "",
                    },
                    0);
}

static inline void judge_testing_put_node(struct judge_testing *hub,
                                          const char *name,
                                          int64_t joined_ms) {
    size_t at = 0;

    while (hub->nodes[at] && strcmp(hub->nodes[at], name) != 0)
        at++;
    if (!hub->nodes[at])
        hub->nodes[at] = mem_strdup(name);
    hub->joined_ms = joined_ms;
    judge_testing_tell_node(hub, name);
}

/* One value of the disk; its length before it. */
static inline void judge_testing_keep(struct judge_testing *hub,
                                      const struct records_row *row) {
    auto_(mem_freep) char *key = mem_printf("%s\t%s", row->space, row->key);
    char *value = mem_new(sizeof(size_t) + row->len + 1);

    memcpy(value, &row->len, sizeof(size_t));
    if (row->len > 0)
        memcpy(value + sizeof(size_t), row->value, row->len);
    if (row->is_removed) {
        free(value);
        free(map_remove(hub->disk, key));
    } else {
        free(map_put(hub->disk, key, value));
    }
}

/* What changed is durable from here on. */
static inline void judge_testing_flush(struct judge_testing *hub) {
    struct records records = { 0 };

    incidents_collect(hub->incidents, &records);
    alerts_collect(hub->alerts, &records);
    for (size_t i = 0; i < records.count; i++)
        judge_testing_keep(hub, &records.rows[i]);
    records_done(&records);
    alerts_settle(hub->alerts, true);
    incidents_settle(hub->incidents, true);
}

static inline int judge_testing_by_key(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A new hub with what the disk has, in the order of the keys. */
static inline void judge_testing_restart(struct judge_testing *hub) {
    size_t count = map_count(hub->disk);
    const char **keys = mem_new_array(count + 1, sizeof(*keys));
    size_t at = 0;

    judge_testing_close(hub);
    judge_testing_open(hub);
    for (size_t i = 0; i < count; i++)
        map_next(hub->disk, &at, &keys[i]);
    qsort(keys, count, sizeof(*keys), judge_testing_by_key);
    for (size_t i = 0; i < count; i++) {
        char *value = map_get(hub->disk, keys[i]);
        const char *tab = strchr(keys[i], '\t');
        auto_(mem_freep) char *space = mem_dup(keys[i], (size_t)(tab - keys[i]));
        size_t len;
        memcpy(&len, value, sizeof(len));
        struct slice bytes = slice_of(value + sizeof(len), len);
        if (!incidents_load(hub->incidents, space, tab + 1, bytes))
            alerts_load(hub->alerts, space, tab + 1, bytes);
    }
    free(keys);
    for (size_t i = 0; i < 16 && hub->nodes[i]; i++)
        judge_testing_tell_node(hub, hub->nodes[i]);
    alerts_start(hub->alerts);
}

static inline void judge_testing_row(struct judge_testing *hub,
                                     const struct alerts_row *row) {
    alerts_take_row(hub->alerts, row);
}

/* "90.1" as an integer times 10^-scale; NULL: absent. */
static inline int64_t judge_testing_value(const char *text, unsigned scale) {
    if (!text)
        return INT64_MIN;
    double value = strtod(text, NULL);
    while (scale-- > 0)
        value *= 10;
    return (int64_t)llround(value);
}

/* The file's text, to be freed. */
static inline int judge_testing_read(const char *path,
                                     void **ret_bytes,
                                     size_t *ret_len) {
    FILE *file = fopen(path, "re");
    char *bytes = mem_new(1 << 17);

    if (!file) {
        free(bytes);
        return -1;
    }
    *ret_len = fread(bytes, 1, (1 << 17) - 1, file);
    *ret_bytes = bytes;
    fclose(file);
    return 0;
}
