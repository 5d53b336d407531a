#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/incidents/incident_list.h"
#include "alerts/incidents/incident_record.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/records.h"

static const char space[] = "alerts.incident";

enum { ID_LEN = 24 };

struct incidents *incidents_new(const struct incidents_config *config) {
    struct incidents *incidents = mem_new(sizeof(*incidents));

    incidents->config = *config;
    incidents->by_id = map_new();
    incidents->open = map_new();
    list_init(&incidents->all);
    list_init(&incidents->waiting);
    list_init(&incidents->watchers);
    return incidents;
}

struct incidents *incidents_free(struct incidents *incidents) {
    struct list *node;

    if (!incidents)
        return NULL;
    assert(list_is_empty(&incidents->watchers));
    while ((node = list_pop(&incidents->all)))
        incident_list_free(container_of(node, struct incident, in_list));
    map_free(incidents->by_id);
    map_free(incidents->open);
    free(incidents->gone);
    free(incidents);
    return NULL;
}

/* In their order also as texts. */
static void print_key(uint64_t id, char key[static ID_LEN]) {
    snprintf(key, ID_LEN, "%020" PRIu64, id);
}

bool incidents_load(struct incidents *incidents,
                    const char *in_space,
                    const char *key,
                    struct slice value) {
    if (strcmp(in_space, space) != 0)
        return false;
    struct incident *incident = incident_record_read(value);
    if (!incident || incidents_by_id(incidents, incident->id)) {
        incident_list_free(incident);
        return true;
    }
    incident_list_add(incidents, incident);
    return true;
}

static void note_gone(struct incidents *incidents, uint64_t id) {
    incidents->gone =
        mem_grow(incidents->gone, (incidents->gone_count + 1) * sizeof(uint64_t));
    incidents->gone[incidents->gone_count++] = id;
}

static void forget(struct incidents *incidents, struct incident *incident) {
    char id[ID_LEN];

    snprintf(id, sizeof(id), "%" PRIu64, incident->id);
    map_remove(incidents->by_id, id);
    list_remove(&incident->in_list);
    note_gone(incidents, incident->id);
    incidents->kept--;
    incident_list_free(incident);
}

/* Of those that are over, the oldest make room. */
static void forget_oldest(struct incidents *incidents) {
    struct list *at = incidents->all.prev;

    while (incidents->kept > INCIDENTS_KEPT_MAX && at != &incidents->all) {
        struct incident *incident = container_of(at, struct incident, in_list);
        at = at->prev;
        if (incident->state == INCIDENT_RESOLVED &&
            !list_is_linked(&incident->in_waiting))
            forget(incidents, incident);
    }
}

void incidents_collect(struct incidents *incidents, struct records *ret_records) {
    char key[ID_LEN];

    forget_oldest(incidents);
    list_for_each_safe(at, after, &incidents->waiting) {
        struct incident *incident = container_of(at, struct incident, in_waiting);
        struct buf bytes = { 0 };
        incident->in_batch |= incident->waits;
        incident->waits = 0;
        incident->batch_version = incident->version;
        incident_record_write(incident, &bytes);
        print_key(incident->id, key);
        records_put(ret_records, space, key, buf_slice(&bytes));
        buf_done(&bytes);
    }
    for (size_t i = 0; i < incidents->gone_count; i++) {
        print_key(incidents->gone[i], key);
        records_remove(ret_records, space, key);
    }
    incidents->gone_in_batch = incidents->gone_count;
}

static void tell(struct incidents *incidents,
                 struct incident *incident,
                 unsigned changes) {
    static const enum incident_change order[] = {
        INCIDENT_BEGAN,
        INCIDENT_TOUCHED,
        INCIDENT_VALUE,
        INCIDENT_ENDED,
    };

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (!(changes & 1u << order[i]))
            continue;
        list_for_each_safe(at, after, &incidents->watchers) {
            struct incident_watcher *watcher =
                container_of(at, struct incident_watcher, node);
            watcher->on_change(watcher, incident, order[i]);
        }
    }
}

static void settle_one(struct incidents *incidents, struct incident *incident) {
    unsigned changes = incident->in_batch;

    incident->in_batch = 0;
    incident->durable = incident->batch_version;
    if (incident->waits == 0)
        list_remove(&incident->in_waiting);
    tell(incidents, incident, changes);
}

void incidents_settle(struct incidents *incidents, bool is_durable) {
    struct list batch;

    list_init(&batch);
    list_splice(&batch, &incidents->waiting);
    while (!list_is_empty(&batch)) {
        struct incident *incident = container_of(batch.next, struct incident, in_waiting);
        list_remove(&incident->in_waiting);
        list_add_tail(&incidents->waiting, &incident->in_waiting);
        if (incident->in_batch == 0)
            continue;
        if (is_durable)
            settle_one(incidents, incident);
        else
            incident->waits |= incident->in_batch;
        incident->in_batch = 0;
    }
    if (is_durable && incidents->gone_in_batch > 0) {
        incidents->gone_count -= incidents->gone_in_batch;
        memmove(incidents->gone, incidents->gone + incidents->gone_in_batch,
                incidents->gone_count * sizeof(*incidents->gone));
    }
    incidents->gone_in_batch = 0;
}

struct incident *incidents_open(struct incidents *incidents,
                                const char *rule,
                                const char *node,
                                const char *series) {
    if (map_count(incidents->open) >= INCIDENTS_OPEN_MAX)
        return NULL;
    struct incident *incident = incident_list_make(rule, node, series);
    incident->id = incidents->last_id + 1;
    incident_list_add(incidents, incident);
    return incident;
}

struct incident *incidents_find(const struct incidents *incidents,
                                const char *rule,
                                const char *node,
                                const char *series) {
    auto_(mem_freep) char *key = incident_list_key(rule, node, series);
    return map_get(incidents->open, key);
}

struct incident *incidents_by_id(const struct incidents *incidents, uint64_t id) {
    char text[ID_LEN];

    snprintf(text, sizeof(text), "%" PRIu64, id);
    return map_get(incidents->by_id, text);
}

size_t incidents_open_count(const struct incidents *incidents) {
    return map_count(incidents->open);
}

struct incident *incidents_next(const struct incidents *incidents,
                                const struct incident *at) {
    struct list *next = at ? at->in_list.next : incidents->all.next;

    return next == &incidents->all ? NULL : container_of(next, struct incident, in_list);
}

void incidents_watch(struct incidents *incidents, struct incident_watcher *watcher) {
    list_add_tail(&incidents->watchers, &watcher->node);
}

void incidents_unwatch(struct incident_watcher *watcher) {
    list_remove(&watcher->node);
}

static void rename_listed(struct incident *incident, const char *from, const char *to) {
    for (size_t i = 0; incident->nodes && incident->nodes[i]; i++)
        if (strcmp(incident->nodes[i], from) == 0)
            incident_set(&incident->nodes[i], to);
}

void incidents_rename_node(struct incidents *incidents,
                           const char *from,
                           const char *to) {
    for (struct incident *at = incidents_next(incidents, NULL); at;
         at = incidents_next(incidents, at)) {
        rename_listed(at, from, to);
        if (strcmp(at->node, from) != 0)
            continue;
        if (at->state == INCIDENT_FIRING) {
            auto_(mem_freep) char *before = incident_list_key(at->rule, from, at->series);
            auto_(mem_freep) char *after = incident_list_key(at->rule, to, at->series);
            map_remove(incidents->open, before);
            map_put(incidents->open, after, at);
        }
        incident_set(&at->node, to);
        incident_changed(incidents, at, INCIDENT_TOUCHED, 0, NULL);
    }
}

void incidents_forget_node(struct incidents *incidents,
                           const char *node,
                           int64_t now_ms) {
    for (struct incident *at = incidents_next(incidents, NULL); at;
         at = incidents_next(incidents, at))
        if (at->state == INCIDENT_FIRING && strcmp(at->node, node) == 0)
            incident_end(incidents, at, now_ms, "the node was removed");
}
