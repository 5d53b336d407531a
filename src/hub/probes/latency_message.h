/*
 * latency_message - figures of round trips as a message of the API
 */
#pragma once

#include "base/latency.h"
#include "roost/v1/probe.pb-c.h"

/* Fills a message, which needs no freeing. */
void latency_message_fill(const struct latency *latency, Roost__V1__Latency *ret_message);
