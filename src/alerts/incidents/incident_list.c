#include "alerts/incidents/incident_list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

struct incident *incident_list_make(const char *rule,
                                    const char *node,
                                    const char *series) {
    struct incident *incident = mem_new(sizeof(*incident));

    incident->rule = mem_strdup(rule);
    incident->node = mem_strdup(node);
    incident->series = mem_strdup(series);
    incident->text = mem_strdup("");
    incident->unit = mem_strdup("");
    incident->evidence = mem_strdup("");
    incident->acknowledged_by = mem_strdup("");
    incident->severity = INCIDENT_WARNING;
    incident->state = INCIDENT_FIRING;
    incident->threshold = NAN;
    list_init(&incident->in_list);
    list_init(&incident->in_waiting);
    return incident;
}

struct incident *incident_list_free(struct incident *incident) {
    if (!incident)
        return NULL;
    for (size_t i = 0; i < incident->step_count; i++)
        free(incident->steps[i].text);
    for (size_t i = 0; i < incident->process_count; i++) {
        free(incident->processes[i].name);
        free(incident->processes[i].user);
    }
    for (size_t i = 0; incident->nodes && incident->nodes[i]; i++)
        free(incident->nodes[i]);
    free(incident->nodes);
    free(incident->steps);
    free(incident->rule);
    free(incident->node);
    free(incident->series);
    free(incident->text);
    free(incident->unit);
    free(incident->evidence);
    free(incident->acknowledged_by);
    free(incident);
    return NULL;
}

void incident_list_step(struct incident *incident, int64_t time_ms, const char *text) {
    if (incident->step_count == INCIDENT_STEPS_MAX) {
        /* How it began is kept, and what came last. */
        size_t at = INCIDENT_STEPS_MAX / 2;
        free(incident->steps[at].text);
        memmove(&incident->steps[at], &incident->steps[at + 1],
                (INCIDENT_STEPS_MAX - at - 1) * sizeof(*incident->steps));
        incident->step_count--;
    }
    incident->steps =
        mem_grow(incident->steps, (incident->step_count + 1) * sizeof(*incident->steps));
    incident->steps[incident->step_count++] = (struct incident_step) {
        .time_ms = time_ms,
        .text = mem_strdup(text),
    };
}

char *incident_list_key(const char *rule, const char *node, const char *series) {
    return mem_printf("%s\t%s\t%s", rule, node, series);
}

static void put_open(struct incidents *incidents, struct incident *incident) {
    auto_(mem_freep) char *key =
        incident_list_key(incident->rule, incident->node, incident->series);
    map_put(incidents->open, key, incident);
}

void incident_list_add(struct incidents *incidents, struct incident *incident) {
    char id[24];

    snprintf(id, sizeof(id), "%llu", (unsigned long long)incident->id);
    map_put(incidents->by_id, id, incident);
    list_add_head(&incidents->all, &incident->in_list);
    if (incident->id > incidents->last_id)
        incidents->last_id = incident->id;
    if (incident->state == INCIDENT_FIRING)
        put_open(incidents, incident);
    else
        incidents->kept++;
}

void incident_list_close(struct incidents *incidents, struct incident *incident) {
    auto_(mem_freep) char *key =
        incident_list_key(incident->rule, incident->node, incident->series);

    if (map_get(incidents->open, key) != incident)
        return;
    map_remove(incidents->open, key);
    incidents->kept++;
}
