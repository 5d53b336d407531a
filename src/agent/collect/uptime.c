/*
 * uptime - how long the host is up
 *
 * CLOCK_BOOTTIME counts it; /proc/uptime is read only for the offset, which is not 0 in
 * a container whose own start counts (lxcfs).
 */
#include <stdlib.h>

#include "agent/collect/collector.h"
#include "agent/collect/text.h"
#include "base/mem.h"

struct uptime {
    struct source file;
    int64_t offset_ms; /* what /proc/uptime says less the clock */
    int place;
    bool is_known;
};

static void *uptime_new(const struct sampling *sampling) {
    struct uptime *uptime = mem_new(sizeof(*uptime));
    source_init(&uptime->file, collector_proc_path(sampling, "uptime"));
    return uptime;
}

static void uptime_free(void *self) {
    struct uptime *uptime = self;
    source_done(&uptime->file);
    free(uptime);
}

static bool uptime_scan(void *self, struct sampling *sampling) {
    struct uptime *uptime = self;
    int64_t up_ms;

    if (uptime->is_known || source_open(&uptime->file) < 0)
        return false;
    if (source_read(&uptime->file, &sampling->page) == 0) {
        const char *at = sampling->page.text;
        uptime->is_known = text_fixed(&at, 3, &up_ms);
        if (uptime->is_known)
            uptime->offset_ms = up_ms - (int64_t)(sampling->now_ns / 1000000);
    }
    source_done(&uptime->file);
    return uptime->is_known;
}

static void uptime_declare(void *self, struct sampling *sampling) {
    struct uptime *uptime = self;
    uptime->place = uptime->is_known ? collector_add(sampling, "uptime", NULL) : -1;
}

static void uptime_take(void *self, struct sampling *sampling) {
    struct uptime *uptime = self;
    int64_t up_ms = (int64_t)(sampling->now_ns / 1000000) + uptime->offset_ms;

    if (uptime->is_known)
        collector_set(sampling, uptime->place, up_ms > 0 ? up_ms / 1000 : 0);
}

const struct collector uptime_collector = {
    .new = uptime_new,
    .free = uptime_free,
    .scan = uptime_scan,
    .declare = uptime_declare,
    .take = uptime_take,
};
