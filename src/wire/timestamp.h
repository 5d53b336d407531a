/*
 * timestamp - google.protobuf.Timestamp and our milliseconds
 */
#pragma once

#include <stdint.h>

#include "google/protobuf/timestamp.pb-c.h"

/* Fills the timestamp and returns it; NULL for 0, which is "never". */
Google__Protobuf__Timestamp *timestamp_set(Google__Protobuf__Timestamp *timestamp,
                                           int64_t wall_ms);

/* Milliseconds; 0 for NULL. What is beyond the year 9999 is cut. */
int64_t timestamp_get(const Google__Protobuf__Timestamp *timestamp);
