#include "wire/timestamp.h"

#include <stddef.h>

static const int64_t seconds_max = INT64_C(253402300799); /* the end of 9999 */

Google__Protobuf__Timestamp *timestamp_set(Google__Protobuf__Timestamp *timestamp,
                                           int64_t wall_ms) {
    if (wall_ms == 0)
        return NULL;
    google__protobuf__timestamp__init(timestamp);
    timestamp->seconds = wall_ms / 1000;
    timestamp->nanos = (int32_t)(wall_ms % 1000) * 1000000;
    if (timestamp->nanos < 0) {
        timestamp->seconds--;
        timestamp->nanos += 1000000000;
    }
    return timestamp;
}

int64_t timestamp_get(const Google__Protobuf__Timestamp *timestamp) {
    if (!timestamp)
        return 0;
    int64_t seconds = timestamp->seconds;
    if (seconds > seconds_max)
        seconds = seconds_max;
    if (seconds < -seconds_max)
        seconds = -seconds_max;
    return seconds * 1000 + timestamp->nanos / 1000000;
}
