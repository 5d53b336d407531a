/*
 * incident_message - an incident as a message
 */
#pragma once

#include "google/protobuf/timestamp.pb-c.h"
#include "roost/v1/alerts.pb-c.h"

struct incident;
struct incident_message_step;

/* Borrows the incident's texts. */
struct incident_message {
    Roost__V1__Incident incident;
    Google__Protobuf__Timestamp started;
    Google__Protobuf__Timestamp ended;
    Google__Protobuf__Timestamp acknowledged;
    Google__Protobuf__Timestamp silenced_until;
    Roost__V1__IncidentProcess *processes; /* owned, as all arrays */
    Roost__V1__IncidentProcess **process_list;
    struct incident_message_step *steps;
    Roost__V1__IncidentStep **step_list;
};

void incident_message_init(struct incident_message *message,
                           const struct incident *incident);
void incident_message_done(struct incident_message *message);
