/*
 * series - values over a span of time, from the hub
 *
 * What `query` and `chart` have in common: operands and options into Metrics.Query.
 * Functions return 0, or an exit status after telling why not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "roost/v1/metrics.pb-c.h"

struct cli;

struct series_ask {
    char *select;   /* owned: the nodes */
    char **metrics; /* owned, and so are the names; older ones resolved */
    size_t count;
    int64_t since_ms;
    int64_t until_ms;
    int64_t last_ms; /* up to the hub's now, whatever our clock says; 0: as above */
    uint32_t points;
    bool raw;
};

/* Reads NODE METRIC[,METRIC]... --since --until; default_ms is how long a span is unless
 * said otherwise. */
int series_read(const struct cli *cli, uint64_t default_ms, struct series_ask *ret_ask);

void series_done(struct series_ask *ask);

/* Fills the span of a request: since and until, or last_ms alone. */
void series_fill_span(const struct series_ask *ask,
                      Google__Protobuf__Timestamp times[static 2],
                      Google__Protobuf__Timestamp **ret_since,
                      Google__Protobuf__Timestamp **ret_until,
                      uint64_t *ret_last_ms);

/* Once the hub has told its time, the span is a fixed one. */
void series_settle(struct series_ask *ask, const Roost__V1__QueryResponse *response);

/* Asks and waits; pb_free() the result. *ret_is_too_much (may be NULL) stands instead of
 * telling that the hub finds the answer too large. */
int series_fetch(struct cli *cli,
                 const struct series_ask *ask,
                 bool *ret_is_too_much,
                 Roost__V1__QueryResponse **ret_response);

/* Tells that there is nothing, with a remedy: the exit status. */
int series_none(const struct series_ask *ask);

/* The greatest size of a value in the series, its bands included; 0 without any. */
double series_greatest(const Roost__V1__Series *series);

/* "cpu", or "pi cpu" when there are several nodes. A new string. */
char *series_title(const Roost__V1__QueryResponse *response,
                   const Roost__V1__Series *series);

/* When point i of the response begins. */
int64_t series_time_ms(const Roost__V1__QueryResponse *response, size_t i);
