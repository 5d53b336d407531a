/*
 * stability_result - what a stability test has measured up to now
 *
 * Reports of the agent go in, reports for whoever watches come out. No clock, no link.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/latency.h"
#include "roost/v1/transfer.pb-c.h"

/* Zeroed: nothing is known. */
struct stability_result {
    size_t size;
    uint32_t interval_ms; /* 0: not known yet */
    uint32_t planned;
    uint32_t sent;
    int64_t started_ms;
    float *rtts_ms; /* owned */
    size_t count;
    size_t room;
    size_t lost;
    struct latency latency;
    struct latency_outage *outages; /* owned */
    size_t outage_count;
    size_t run;    /* lost packets up to now, in a row */
    bool is_begun; /* the agent has it */
};

/* For whoever watches. */
struct stability_result_report {
    Roost__V1__StabilityReport message;
    Google__Protobuf__Timestamp started;
    Roost__V1__Latency latency;
    Roost__V1__Outage *outages;         /* owned */
    Roost__V1__Outage **pointers;       /* owned */
    Google__Protobuf__Timestamp *times; /* owned */
};

void stability_result_done(struct stability_result *result);

/* Takes what the agent says. False: it does not fit what is known, and nothing is. */
bool stability_result_take(struct stability_result *result,
                           const Roost__V1__StabilityReport *report);

/* A report without answers; it borrows the id. */
void stability_result_fill(const struct stability_result *result,
                           const char *test_id,
                           struct stability_result_report *report);

void stability_result_report_done(struct stability_result_report *report);
