#include "alerts/incidents/incident_record.h"

#include "alerts/incidents/incident.h"
#include "alerts/incidents/incident_list.h"
#include "alerts/incidents/incident_message.h"
#include "base/mem.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

void incident_record_write(const struct incident *incident, struct buf *out) {
    struct incident_message message;

    incident_message_init(&message, incident);
    message.incident.threshold = incident->threshold; /* not a number: none */
    pb_pack(out, &message.incident.base);
    incident_message_done(&message);
}

static void read_processes(struct incident *incident,
                           const Roost__V1__Incident *message) {
    for (size_t i = 0; i < message->n_processes && i < INCIDENT_PROCESSES_MAX; i++) {
        const Roost__V1__IncidentProcess *row = message->processes[i];
        incident->processes[incident->process_count++] = (struct incident_process) {
            .pid = row->pid,
            .name = mem_strdup(row->name),
            .user = mem_strdup(row->user),
            .cpu = row->cpu,
            .memory = row->memory,
        };
    }
}

static void read_lists(struct incident *incident, const Roost__V1__Incident *message) {
    for (size_t i = 0; i < message->n_timeline; i++)
        incident_list_step(incident, timestamp_get(message->timeline[i]->time),
                           message->timeline[i]->text);
    if (message->n_nodes == 0)
        return;
    incident->nodes = mem_new_array(message->n_nodes + 1, sizeof(char *));
    for (size_t i = 0; i < message->n_nodes; i++)
        incident->nodes[i] = mem_strdup(message->nodes[i]);
}

static bool is_sound(const Roost__V1__Incident *message) {
    return message->id > 0 && message->severity >= ROOST__V1__SEVERITY__INFO &&
           message->severity <= ROOST__V1__SEVERITY__CRITICAL &&
           message->state >= ROOST__V1__INCIDENT_STATE__FIRING &&
           message->state <= ROOST__V1__INCIDENT_STATE__RESOLVED;
}

static struct incident *read_message(const Roost__V1__Incident *message) {
    if (!is_sound(message))
        return NULL;
    struct incident *incident =
        incident_list_make(message->rule, message->node, message->series);
    incident->id = message->id;
    incident->version = message->version;
    incident->durable = message->version;
    incident_set(&incident->text, message->text);
    incident_set(&incident->unit, message->unit);
    incident_set(&incident->evidence, message->evidence);
    incident_set(&incident->acknowledged_by, message->acknowledged_by);
    incident->severity = (enum incident_severity)message->severity;
    incident->state = (enum incident_state)message->state;
    incident->found_at_join = message->found_at_join;
    incident->sleeps = message->sleeps;
    incident->is_history = message->history;
    incident->value = message->value;
    incident->threshold = message->threshold;
    incident->started_ms = timestamp_get(message->started);
    incident->ended_ms = timestamp_get(message->ended);
    incident->acknowledged_ms = timestamp_get(message->acknowledged);
    incident->silenced_until_ms = timestamp_get(message->silenced_until);
    read_processes(incident, message);
    read_lists(incident, message);
    return incident;
}

struct incident *incident_record_read(struct slice bytes) {
    ProtobufCMessage *message = NULL;

    if (pb_unpack(&roost__v1__incident__descriptor, bytes, &message) != 0)
        return NULL;
    struct incident *incident = read_message((const Roost__V1__Incident *)message);
    pb_free(message);
    return incident;
}
