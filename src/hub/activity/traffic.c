#include "hub/activity/traffic.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "loop/timer.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "store/store.h"

enum {
    MINUTE_MS = 60000,
    /* 700 bytes each. Whoever makes methods up fills three quarters, and cannot hide from
     * whom and to whom they were: the last quarter is for "other" of a caller and node.
     */
    COUNTERS_MAX = 4096,
    METHODS_MAX = 3072,
    TEXT_MAX = 200, /* of each text; longer ones are cut */
    KEY_LEN = 3 * TEXT_MAX + 3,
};

static const char other[] = "other";

/* What is counted of one caller, node and method; stays while calls are under way. */
struct counter {
    struct traffic *traffic; /* borrowed: owns us */
    size_t running;
    struct store_traffic row;
    char texts[]; /* that row's point into */
};

struct traffic {
    struct traffic_config config;
    struct map *counters; /* owned; values: owned counters */
    size_t running;
    struct list watchers;
    struct timer minute;
    int64_t minute_ms; /* the wall time at which what is counted began */
};

static int64_t this_minute_ms(void) {
    int64_t now = clock_wall_ms();
    return now - now % MINUTE_MS;
}

/* Copies up to max bytes and ends them with one more; answers what is behind it. */
static char *put(char *at, const char *text, size_t max, char end) {
    size_t len = strnlen(text, max);

    memcpy(at, text, len);
    at[len] = end;
    return at + len + 1;
}

/* The node comes first and has no such byte: no caller can pass for another node. */
static void print_key(char *key, const struct traffic_call *call) {
    key = put(key, call->node, TEXT_MAX, '\x1f');
    key = put(key, call->caller, TEXT_MAX, '\x1f');
    put(key, call->method, TEXT_MAX, '\0');
}

static struct counter *counter_new(struct traffic *traffic,
                                   const struct traffic_call *call,
                                   const char *key) {
    struct counter *counter = mem_new(sizeof(*counter) + KEY_LEN);
    char *caller = put(counter->texts, call->node, TEXT_MAX, '\0');
    char *method = put(caller, call->caller, TEXT_MAX, '\0');

    put(method, call->method, TEXT_MAX, '\0');
    counter->traffic = traffic;
    counter->row.node = counter->texts;
    counter->row.caller = caller;
    counter->row.method = method;
    map_put(traffic->counters, key, counter);
    return counter;
}

/* The counter that is there or fits below max, else NULL. */
static struct counter *find(struct traffic *traffic,
                            const struct traffic_call *call,
                            size_t max) {
    char key[KEY_LEN];

    print_key(key, call);
    struct counter *counter = map_get(traffic->counters, key);
    if (!counter && map_count(traffic->counters) < max)
        counter = counter_new(traffic, call, key);
    return counter;
}

static struct counter *counter_of(struct traffic *traffic,
                                  const struct traffic_call *call) {
    struct traffic_call some = *call;

    struct counter *counter = find(traffic, call, METHODS_MAX);
    if (counter)
        return counter;
    some.method = other;
    counter = find(traffic, &some, COUNTERS_MAX - 1);
    if (counter)
        return counter;
    some.caller = some.node = "";
    return find(traffic, &some, SIZE_MAX);
}

/* Who cancels has what it wanted: watchers and askers by reflection end so. */
static bool is_error(enum grpc_status status) {
    return status != GRPC_OK && status != GRPC_CANCELLED;
}

static void count(struct store_traffic *row, const struct traffic_call *call) {
    row->calls++;
    row->errors += is_error(call->status);
    row->duration_us += call->duration_us;
    if (call->duration_us > row->longest_us)
        row->longest_us = call->duration_us;
    row->request_bytes += call->request_bytes;
    row->reply_bytes += call->reply_bytes;
    durations_add(&row->durations, call->duration_us);
}

static void tell_ended(struct traffic *traffic, struct traffic_call *call) {
    if (list_is_empty(&traffic->watchers))
        return;
    call->time_ms = clock_wall_ms();
    list_for_each_safe(at, after, &traffic->watchers) {
        struct traffic_watcher *watcher = container_of(at, struct traffic_watcher, node);
        if (watcher->on_ended)
            watcher->on_ended(watcher, call);
    }
}

static void tell_begun(struct traffic *traffic, struct traffic_call *call) {
    if (list_is_empty(&traffic->watchers))
        return;
    call->time_ms = clock_wall_ms();
    list_for_each_safe(at, after, &traffic->watchers) {
        struct traffic_watcher *watcher = container_of(at, struct traffic_watcher, node);
        if (watcher->on_begun)
            watcher->on_begun(watcher, call);
    }
}

/* A tunnel goes by its target, for which there is room. */
static const char *name_method(const struct call *call, char room[static TEXT_MAX + 1]) {
    if (!call->tunnel)
        return call->method;
    put(put(room, call->method, TEXT_MAX / 2, ' '), call->tunnel, TEXT_MAX / 2 - 1, '\0');
    return room;
}

static void on_finished(struct call *call) {
    struct counter *counter = call->observer.user;
    struct traffic *traffic = counter->traffic;
    char room[TEXT_MAX + 1];

    struct traffic_call ended = {
        .caller = counter->row.caller,
        .node = counter->row.node,
        .method = name_method(call, room),
        .status = call->status,
        .duration_us = (clock_boot_ns() - call->observer.begun_ns) / 1000,
        .request_bytes = call->request_total,
        .reply_bytes = call->reply_total,
    };
    counter->running--;
    traffic->running--;
    count(&counter->row, &ended);
    tell_ended(traffic, &ended);
}

void traffic_begin(struct traffic *traffic, struct call *call, const char *node) {
    char room[TEXT_MAX + 1];

    struct traffic_call begun = {
        .caller = call->actor ? call->actor->name : "",
        .node = node,
        .method = name_method(call, room),
    };
    struct counter *counter = counter_of(traffic, &begun);
    if (call->observer.user == counter)
        return; /* to the same node again */
    assert(!call->observer.on_finished || call->observer.on_finished == on_finished);
    counter->running++;
    if (call->observer.on_finished) {
        struct counter *before = call->observer.user;
        before->running--;
    } else {
        traffic->running++;
        call->observer.on_finished = on_finished;
        call->observer.begun_ns = clock_boot_ns();
    }
    call->observer.user = counter;
    tell_begun(traffic, &begun);
}

size_t traffic_running(const struct traffic *traffic) {
    return traffic->running;
}

struct store_traffic *traffic_rows(const struct traffic *traffic, size_t *ret_count) {
    struct store_traffic *rows =
        mem_new_array(map_count(traffic->counters), sizeof(*rows));
    const struct counter *counter;
    size_t count = 0;

    for (size_t at = 0; (counter = map_next(traffic->counters, &at, NULL));) {
        if (counter->row.calls == 0)
            continue;
        rows[count] = counter->row;
        rows[count++].time_ms = traffic->minute_ms;
    }
    *ret_count = count;
    return rows;
}

static void on_written(void *arg, int result) {
    if (result != 0)
        log_warning("a minute of counted calls was lost: the store cannot be written");
}

/* The counters without calls under way go, so that the next minute has room. */
static void begin_anew(struct traffic *traffic) {
    struct map *kept = map_new();
    struct counter *counter;
    const char *key;

    for (size_t at = 0; (counter = map_next(traffic->counters, &at, &key));) {
        struct store_traffic empty = {
            .node = counter->row.node,
            .caller = counter->row.caller,
            .method = counter->row.method,
        };
        counter->row = empty;
        if (counter->running > 0)
            map_put(kept, key, counter);
        else
            free(counter);
    }
    map_free(traffic->counters);
    traffic->counters = kept;
}

/* When the store has no room, what is counted goes on to be counted. */
void traffic_write(struct traffic *traffic) {
    int64_t oldest_ms = traffic->config.keep_ms
                            ? traffic->minute_ms - (int64_t)traffic->config.keep_ms
                            : INT64_MIN;
    size_t count;
    int r = 0;

    if (map_count(traffic->counters) == 0)
        return;
    struct store_traffic *rows = traffic_rows(traffic, &count);
    if (traffic->config.store && count > 0)
        r = store_add_traffic(traffic->config.store, rows, count, oldest_ms,
                              traffic->config.rows_max, on_written, NULL);
    free(rows);
    if (r == 0)
        begin_anew(traffic);
}

static void start_minute(struct traffic *traffic) {
    int64_t now = clock_wall_ms();

    traffic->minute_ms = now - now % MINUTE_MS;
    timer_start(traffic->config.loop, &traffic->minute,
                (uint64_t)(traffic->minute_ms + MINUTE_MS - now));
}

static void on_minute(struct timer *timer) {
    struct traffic *traffic = container_of(timer, struct traffic, minute);

    if (this_minute_ms() != traffic->minute_ms)
        traffic_write(traffic);
    start_minute(traffic);
}

struct traffic *traffic_new(const struct traffic_config *config) {
    struct traffic *traffic = mem_new(sizeof(*traffic));

    traffic->config = *config;
    traffic->counters = map_new();
    traffic->minute.fire = on_minute;
    list_init(&traffic->watchers);
    start_minute(traffic);
    return traffic;
}

struct traffic *traffic_free(struct traffic *traffic) {
    struct counter *counter;

    if (!traffic)
        return NULL;
    assert(traffic->running == 0 && list_is_empty(&traffic->watchers));
    timer_stop(&traffic->minute);
    traffic_write(traffic);
    for (size_t at = 0; (counter = map_next(traffic->counters, &at, NULL));)
        free(counter);
    map_free(traffic->counters);
    free(traffic);
    return NULL;
}

void traffic_limit(struct traffic *traffic, uint64_t keep_ms, uint64_t rows_max) {
    traffic->config.keep_ms = keep_ms;
    traffic->config.rows_max = rows_max;
}

void traffic_watch(struct traffic *traffic, struct traffic_watcher *watcher) {
    list_add_tail(&traffic->watchers, &watcher->node);
}

void traffic_unwatch(struct traffic_watcher *watcher) {
    list_remove(&watcher->node);
}
