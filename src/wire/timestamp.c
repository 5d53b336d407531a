#include "wire/timestamp.h"

#include <stddef.h>

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
    return timestamp ? timestamp->seconds * 1000 + timestamp->nanos / 1000000 : 0;
}
