#include "alerts/incidents/incident.h"

#include <stdlib.h>

#include "alerts/incidents/incident_list.h"
#include "base/mem.h"

void incident_set(char **field, const char *text) {
    char *before = *field;

    *field = mem_strdup(text);
    free(before);
}

void incident_changed(struct incidents *incidents,
                      struct incident *incident,
                      enum incident_change change,
                      int64_t time_ms,
                      const char *step) {
    if (step)
        incident_list_step(incident, time_ms, step);
    incident->version++;
    incident->waits |= 1u << change;
    if (!list_is_linked(&incident->in_waiting))
        list_add_tail(&incidents->waiting, &incident->in_waiting);
    if (incident->state == INCIDENT_RESOLVED)
        incident_list_close(incidents, incident);
    if (change != INCIDENT_VALUE && incidents->config.want_flush)
        incidents->config.want_flush(incidents->config.arg);
}

void incident_end(struct incidents *incidents,
                  struct incident *incident,
                  int64_t time_ms,
                  const char *step) {
    if (incident->state == INCIDENT_RESOLVED)
        return;
    incident->state = INCIDENT_RESOLVED;
    incident->ended_ms = time_ms > incident->started_ms ? time_ms : incident->started_ms;
    incident_changed(incidents, incident, INCIDENT_ENDED, time_ms, step);
}

void incident_acknowledge(struct incidents *incidents,
                          struct incident *incident,
                          const char *who,
                          int64_t now_ms) {
    auto_(mem_freep) char *step = who ? mem_printf("acknowledged by %s", who)
                                      : mem_strdup("no longer acknowledged");

    incident_set(&incident->acknowledged_by, who ? who : "");
    incident->acknowledged_ms = who ? now_ms : 0;
    incident_changed(incidents, incident, INCIDENT_TOUCHED, now_ms, step);
}

void incident_sleep(struct incidents *incidents,
                    struct incident *incident,
                    const char *who,
                    int64_t now_ms) {
    auto_(mem_freep) char *step = mem_printf("sleeps, says %s", who);

    incident->sleeps = true;
    incident_changed(incidents, incident, INCIDENT_TOUCHED, now_ms, step);
}

void incident_silence(struct incidents *incidents,
                      struct incident *incident,
                      int64_t until_ms,
                      const char *who,
                      int64_t now_ms) {
    auto_(mem_freep) char *step =
        mem_printf(until_ms ? "silenced by %s" : "no longer silenced, says %s", who);

    incident->silenced_until_ms = until_ms;
    incident_changed(incidents, incident, INCIDENT_TOUCHED, now_ms, step);
}

void incident_put_processes(struct incidents *incidents,
                            struct incident *incident,
                            const struct incident_process *processes,
                            size_t count,
                            int64_t now_ms) {
    for (size_t i = 0; i < incident->process_count; i++) {
        free(incident->processes[i].name);
        free(incident->processes[i].user);
    }
    incident->process_count = 0;
    for (size_t i = 0; i < count && i < INCIDENT_PROCESSES_MAX; i++) {
        struct incident_process *kept = &incident->processes[incident->process_count++];
        *kept = processes[i];
        kept->name = mem_strdup(processes[i].name);
        kept->user = mem_strdup(processes[i].user);
    }
    incident_changed(incidents, incident, INCIDENT_TOUCHED, now_ms, NULL);
}
