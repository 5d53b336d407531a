#include "alerts/incidents/incident_message.h"

#include <math.h>
#include <stdlib.h>

#include "alerts/incidents/incident.h"
#include "base/mem.h"
#include "wire/timestamp.h"

struct incident_message_step {
    Roost__V1__IncidentStep step;
    Google__Protobuf__Timestamp time;
};

static void add_processes(struct incident_message *out, const struct incident *incident) {
    size_t count = incident->process_count;

    out->processes = mem_new_array(count + 1, sizeof(*out->processes));
    out->process_list = mem_new_array(count + 1, sizeof(*out->process_list));
    for (size_t i = 0; i < count; i++) {
        const struct incident_process *from = &incident->processes[i];
        Roost__V1__IncidentProcess *process = &out->processes[i];
        roost__v1__incident_process__init(process);
        process->pid = from->pid;
        process->name = from->name;
        process->user = from->user;
        process->cpu = from->cpu;
        process->memory = from->memory;
        out->process_list[i] = process;
    }
    out->incident.processes = out->process_list;
    out->incident.n_processes = count;
}

static void add_steps(struct incident_message *out, const struct incident *incident) {
    size_t count = incident->step_count;

    out->steps = mem_new_array(count + 1, sizeof(*out->steps));
    out->step_list = mem_new_array(count + 1, sizeof(*out->step_list));
    for (size_t i = 0; i < count; i++) {
        struct incident_message_step *step = &out->steps[i];
        roost__v1__incident_step__init(&step->step);
        step->step.time = timestamp_set(&step->time, incident->steps[i].time_ms);
        step->step.text = incident->steps[i].text;
        out->step_list[i] = &step->step;
    }
    out->incident.timeline = out->step_list;
    out->incident.n_timeline = count;
}

static void add_nodes(struct incident_message *out, const struct incident *incident) {
    out->incident.nodes = incident->nodes;
    while (incident->nodes && incident->nodes[out->incident.n_nodes])
        out->incident.n_nodes++;
}

void incident_message_init(struct incident_message *message,
                           const struct incident *incident) {
    Roost__V1__Incident *out = &message->incident;

    *message = (struct incident_message) { 0 };
    roost__v1__incident__init(out);
    out->id = incident->id;
    out->version = incident->version;
    out->rule = incident->rule;
    out->node = incident->node;
    out->series = incident->series;
    out->severity = (Roost__V1__Severity)incident->severity;
    out->state = (Roost__V1__IncidentState)incident->state;
    out->started = timestamp_set(&message->started, incident->started_ms);
    out->ended = timestamp_set(&message->ended, incident->ended_ms);
    out->text = incident->text;
    out->value = incident->value;
    out->threshold = isnan(incident->threshold) ? 0 : incident->threshold;
    out->unit = incident->unit;
    out->found_at_join = incident->found_at_join;
    out->evidence = incident->evidence;
    out->acknowledged_by = incident->acknowledged_by;
    out->acknowledged = timestamp_set(&message->acknowledged, incident->acknowledged_ms);
    out->silenced_until =
        timestamp_set(&message->silenced_until, incident->silenced_until_ms);
    out->sleeps = incident->sleeps;
    out->history = incident->is_history;
    add_nodes(message, incident);
    add_processes(message, incident);
    add_steps(message, incident);
}

void incident_message_done(struct incident_message *message) {
    free(message->processes);
    free(message->process_list);
    free(message->steps);
    free(message->step_list);
    *message = (struct incident_message) { 0 };
}
