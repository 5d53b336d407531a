#include <stdint.h>
#include <stdlib.h>

#include "draw/timeaxis.h"
#include "draw/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A damaged file of a time zone: refused, or a zone in which every instant has a time. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct zone *zone = NULL;
    if (zone_parse(slice_of(data, size), &zone) < 0)
        return 0;

    static const int64_t now_ms = 1792573200000;
    static const int64_t spans_ms[] = { 600000, 86400000, 31536000000 };
    for (size_t i = 0; i < 3; i++) {
        struct timeaxis axis;
        char period[TIMEAXIS_PERIOD_LEN];
        timeaxis_make(zone, now_ms - spans_ms[i], now_ms, 12, &axis);
        timeaxis_print_period(zone, now_ms - spans_ms[i], now_ms, period);
        for (size_t k = 0; k < axis.count; k++)
            if (axis.ticks[k].at_ms < now_ms - spans_ms[i] ||
                axis.ticks[k].at_ms > now_ms)
                abort();
    }
    zone_free(zone);
    return 0;
}
