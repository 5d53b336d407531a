#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/slice.h"
#include "hub/activity/activity.h"
#include "hub/nodes/registry.h"
#include "hub/samples/intake.h"
#include "hub/timekeeper.h"
#include "loop/loop.h"
#include "store/history/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const int64_t now_ms = INT64_C(1790000000000);
static const int64_t ahead_ms = 2000;                         /* as row_time.h allows */
static const int64_t oldest_ms = INT64_C(401) * 86400 * 1000; /* likewise */

/* A history that checks what it is given. */
struct history {
    struct history_cursor taken;
    unsigned calls;
};

struct history_catalogue {
    size_t count;
};

struct history_catalogue *history_catalogue_new(const struct history_metric *metrics,
                                                size_t count,
                                                uint32_t interval_ms) {
    struct history_catalogue *catalogue = mem_new(sizeof(*catalogue));
    for (size_t i = 0; i < count; i++)
        if (metrics[i].name[0] == '\0' || metrics[i].scale > 18 || interval_ms < 100)
            abort();
    catalogue->count = count;
    return catalogue;
}

struct history_catalogue *history_catalogue_release(struct history_catalogue *catalogue) {
    free(catalogue);
    return NULL;
}

struct history_cursor history_taken(const struct history *history, const char *node) {
    return history->taken;
}

int history_append(struct history *history,
                   const char *node,
                   struct history_cursor row,
                   int64_t time_ms,
                   struct history_catalogue *catalogue,
                   const int64_t *values) {
    if (row.seq == 0 || row.epoch == 0 || time_ms > now_ms + ahead_ms ||
        time_ms < now_ms - oldest_ms)
        abort();
    if (++history->calls % 13 == 0)
        return HISTORY_E_FULL;
    if (row.epoch == history->taken.epoch && row.seq <= history->taken.seq)
        return HISTORY_E_KNOWN;
    if (row.epoch == history->taken.epoch && row.seq != history->taken.seq + 1)
        return HISTORY_E_HOLE;
    history->taken = row;
    return 0;
}

void history_skip(struct history *history,
                  const char *node,
                  struct history_cursor last,
                  uint64_t count) {
    if (last.epoch == 0 || count == 0)
        abort();
    if (last.epoch == history->taken.epoch && last.seq <= history->taken.seq)
        abort();
    history->taken = last;
}

bool history_boot_offset(const struct history *history,
                         const char *node,
                         const uint8_t boot_id[static HISTORY_BOOT_LEN],
                         int64_t *ret_offset_ms) {
    return false;
}

void history_set_boot_offset(struct history *history,
                             const char *node,
                             const uint8_t boot_id[static HISTORY_BOOT_LEN],
                             int64_t offset_ms) {
}

void timekeeper_read(const struct timekeeper *timekeeper,
                     int64_t *ret_boot_ms,
                     int64_t *ret_wall_ms) {
    *ret_boot_ms = 1000000;
    *ret_wall_ms = now_ms;
}

static void keep_event(void *arg, const struct activity_event *event) {
}

static void save_nothing(void *arg, const struct node *node) {
}

/* Messages of a hostile agent, each behind its length in two bytes. */
static void feed(struct intake *intake, const uint8_t *data, size_t len) {
    while (len >= 2) {
        size_t part = (size_t)(data[0] | data[1] << 8);
        data += 2;
        len -= 2;
        part = part < len ? part : len;
        if (intake_take(intake, slice_of(data, part)) != 0)
            intake_begin(intake);
        data += part;
        len -= part;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct registry_keeper keeper = { .save = save_nothing };
    struct history history = { 0 };
    struct intake_shared shared = {
        .loop = loop_new(),
        .registry = registry_new(&keeper),
        .activity = activity_new(1, keep_event, NULL),
        .history = &history,
    };
    struct intake *intake = intake_new(&shared, registry_add(shared.registry, "pi"));

    intake_begin(intake);
    feed(intake, data, len);
    intake_free(intake);
    registry_free(shared.registry);
    activity_free(shared.activity);
    loop_free(shared.loop);
    return 0;
}
