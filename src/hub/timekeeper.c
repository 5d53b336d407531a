#include "hub/timekeeper.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/hub_clock.h"
#include "loop/timer.h"
#include "store/store.h"

enum {
    LOOK_MS = 10000,       /* a step is noticed within that time */
    KEEP_MS = 60000,       /* what a crash loses of a slow correction: 30 ms */
    KEEP_ALL_MS = 3600000, /* so that a later boot knows that it is later */
};

static const char meta_key[] = "clock";

struct timekeeper {
    struct loop *loop;   /* borrowed: outlives us */
    struct store *store; /* borrowed: outlives us */
    struct hub_clock clock;
    struct timer look;
    int64_t kept_ms; /* boot time; 0: to be kept with the next look */
    int64_t kept_offset_ms;
    char *kept; /* owned; as read from the store; NULL: nothing was there */
};

static struct hub_clock_reading read_clocks(void) {
    struct timex timex = { 0 };
    int state = adjtimex(&timex);

    return (struct hub_clock_reading) {
        .wall_ms = clock_wall_ms(),
        .boot_ms = (int64_t)clock_boot_ms(),
        .is_synchronised = state >= 0 && !(timex.status & STA_UNSYNC),
    };
}

/* The kernel's, or what the unit's specifier says where /proc/sys is hidden. */
static void read_boot_id(char ret_id[static HUB_CLOCK_BOOT_LEN + 1]) {
    const char *given = getenv("ROOST_BOOT_ID");
    struct buf text = { 0 };

    if (file_read("/proc/sys/kernel/random/boot_id", 128, &text) == 0 &&
        text.len >= HUB_CLOCK_BOOT_LEN)
        given = buf_text(&text);
    snprintf(ret_id, HUB_CLOCK_BOOT_LEN + 1, "%.*s", HUB_CLOCK_BOOT_LEN,
             given ? given : "");
    ret_id[strspn(ret_id, "-0123456789abcdef")] = '\0';
    buf_done(&text);
}

static int64_t offset_at(const struct timekeeper *timekeeper, int64_t boot_ms) {
    return hub_clock_at(&timekeeper->clock, boot_ms) - boot_ms;
}

static void keep(struct timekeeper *timekeeper) {
    char text[HUB_CLOCK_TEXT_LEN];

    timekeeper->kept_ms = (int64_t)clock_boot_ms();
    timekeeper->kept_offset_ms = offset_at(timekeeper, timekeeper->kept_ms);
    hub_clock_print(&timekeeper->clock, timekeeper->kept_ms, text);
    if (store_put_meta(timekeeper->store, meta_key, text, NULL, NULL) < 0)
        timekeeper->kept_ms = 0; /* too much is waiting: with the next look */
}

static bool is_keeping_due(const struct timekeeper *timekeeper, int64_t boot_ms) {
    int64_t age_ms = boot_ms - timekeeper->kept_ms;
    bool has_moved = offset_at(timekeeper, boot_ms) != timekeeper->kept_offset_ms;

    return timekeeper->kept_ms == 0 || age_ms >= (has_moved ? KEEP_MS : KEEP_ALL_MS);
}

/* Seconds with a sign, as a person reads them. */
static double seconds(int64_t ms) {
    return (double)ms / 1000;
}

static void on_look(struct timer *timer) {
    struct timekeeper *timekeeper = container_of(timer, struct timekeeper, look);
    struct hub_clock_reading reading = read_clocks();
    int64_t by_ms;

    switch (hub_clock_observe(&timekeeper->clock, &reading, &by_ms)) {
    case HUB_CLOCK_STEPPED:
        log_warning("the system's clock was set by %+.1f s; samples go on by the old "
                    "time until it has held for 15 minutes",
                    seconds(by_ms));
        timekeeper->kept_ms = 0;
        break;
    case HUB_CLOCK_RETURNED:
        log_info("the system's clock has come back; nothing was moved");
        timekeeper->kept_ms = 0;
        break;
    case HUB_CLOCK_FOLLOWED:
        log_warning("samples are placed %+.1f s from now on, by the system's clock",
                    seconds(by_ms));
        timekeeper->kept_ms = 0;
        break;
    case HUB_CLOCK_STEADY:
        break;
    }
    if (is_keeping_due(timekeeper, reading.boot_ms))
        keep(timekeeper);
    timer_start(timekeeper->loop, timer, LOOK_MS);
}

static void take_meta(void *arg, const char *key, const char *value) {
    struct timekeeper *timekeeper = arg;

    if (strcmp(key, meta_key) != 0)
        return;
    free(timekeeper->kept);
    timekeeper->kept = mem_strdup(value);
}

int timekeeper_new(struct loop *loop,
                   struct store *store,
                   struct timekeeper **ret_timekeeper) {
    struct timekeeper *timekeeper = mem_new(sizeof(*timekeeper));
    struct store_loader loader = { .on_meta = take_meta, .arg = timekeeper };
    struct hub_clock_reading reading = read_clocks();
    char boot_id[HUB_CLOCK_BOOT_LEN + 1];

    *timekeeper = (struct timekeeper) { .loop = loop, .store = store };
    timekeeper->look.fire = on_look;
    int r = store_load(store, &loader);
    if (r != 0) {
        free(timekeeper->kept);
        free(timekeeper);
        return r;
    }
    read_boot_id(boot_id);
    hub_clock_init(&timekeeper->clock, boot_id, timekeeper->kept, &reading);
    *ret_timekeeper = timekeeper;
    return 0;
}

void timekeeper_start(struct timekeeper *timekeeper) {
    on_look(&timekeeper->look);
}

struct timekeeper *timekeeper_free(struct timekeeper *timekeeper) {
    if (!timekeeper)
        return NULL;
    if (timer_is_running(&timekeeper->look))
        keep(timekeeper);
    timer_stop(&timekeeper->look);
    free(timekeeper->kept);
    free(timekeeper);
    return NULL;
}

int64_t timekeeper_now_ms(const struct timekeeper *timekeeper) {
    return hub_clock_at(&timekeeper->clock, (int64_t)clock_boot_ms());
}

void timekeeper_read(const struct timekeeper *timekeeper,
                     int64_t *ret_boot_ms,
                     int64_t *ret_wall_ms) {
    *ret_boot_ms = (int64_t)clock_boot_ms();
    *ret_wall_ms = hub_clock_at(&timekeeper->clock, *ret_boot_ms);
}
