/*
 * alerts_view - incidents and silences for a person
 */
#pragma once

#include <stddef.h>

#include "roost/v1/alerts.pb-c.h"

struct cli;

void alerts_view_list(struct cli *cli, Roost__V1__Incident *const *rows, size_t count);
void alerts_view_show(struct cli *cli, const Roost__V1__Incident *incident);

/* One line with the time, as it changes. */
void alerts_view_line(struct cli *cli, const Roost__V1__Incident *incident);

/* A ListSilencesResponse as a table. */
void alerts_view_silences(struct cli *cli, const ProtobufCMessage *reply);
