/*
 * alert_show - the answer with one incident: its chart is drawn first, if it has one
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "chat/turn/turn.h"
#include "roost/v1/alerts.pb-c.h"

/* Shows the incident and ends the turn. has_details: with all that is known of it. */
void alert_show_incident(struct turn *turn,
                         const Roost__V1__Incident *incident,
                         bool has_details);

/* Asks for it first. */
void alert_show_id(struct turn *turn, uint64_t id, bool has_details);

/* "17" or "#17". */
bool alert_show_parse_id(const char *word, uint64_t *ret_id);
