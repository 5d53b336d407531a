#include "alerts/notifier/heartbeat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/varint.h"
#include "loop/http_client.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "store/records.h"
#include "store/store.h"

enum { EVERY_MS = 60000, TIMEOUT_MS = 10000, ANSWER_MAX = 65536 };

/* One write that the store has not answered yet. */
struct beat {
    struct heartbeat *heartbeat; /* borrowed; NULL: it has gone */
};

struct heartbeat {
    struct heartbeat_config config;
    char *url;                /* owned */
    struct http_client *http; /* owned */
    struct http_call *call;   /* owned; the one on its way */
    struct beat *beat;        /* of the store; NULL: none */
    struct timer timer;
    uint64_t count;
    char *why; /* owned; why the last was not heard; "" */
};

static void tell(struct heartbeat *heartbeat, const char *why) {
    bool is_new = (*why == '\0') != (heartbeat->why[0] == '\0');

    incident_set(&heartbeat->why, why);
    if (is_new && heartbeat->config.on_change)
        heartbeat->config.on_change(heartbeat->config.arg, *why ? heartbeat->why : NULL);
}

static void on_answer(void *arg, const struct http_answer *answer) {
    struct heartbeat *heartbeat = arg;
    char why[64];

    heartbeat->call = NULL;
    snprintf(why, sizeof(why), "HTTP status %u", answer->status);
    if (answer->error)
        tell(heartbeat, answer->error);
    else
        tell(heartbeat, answer->status >= 200 && answer->status < 400 ? "" : why);
}

static void call(struct heartbeat *heartbeat) {
    const struct http_request request = {
        .method = "GET",
        .url = heartbeat->url,
        .timeout_ms = TIMEOUT_MS,
        .answer_max = ANSWER_MAX,
    };
    if (!heartbeat->call)
        heartbeat->call =
            http_client_start(heartbeat->http, &request, on_answer, heartbeat);
}

static void on_written(void *arg, int result) {
    struct beat *beat = arg;
    struct heartbeat *heartbeat = beat->heartbeat;

    free(beat);
    if (!heartbeat)
        return;
    heartbeat->beat = NULL;
    const struct heartbeat_config *config = &heartbeat->config;
    const char *trouble = config->trouble ? config->trouble(config->arg) : NULL;
    if (result != 0 || trouble)
        tell(heartbeat, trouble ? trouble : "the store cannot write");
    else
        call(heartbeat);
}

static int put(struct heartbeat *heartbeat, struct records *records, struct beat *beat) {
    const struct heartbeat_config *config = &heartbeat->config;

    if (config->put)
        return config->put(config->arg, records, on_written, beat);
    return store_put_records(config->store, records, on_written, beat);
}

static void write_beat(struct heartbeat *heartbeat) {
    struct records records = { 0 };
    struct buf value = { 0 };

    if (heartbeat->beat) /* the store has not answered since the last time */
        return;
    varint_add(&value, ++heartbeat->count);
    records_put(&records, "alerts.beat", "beat", buf_slice(&value));
    buf_done(&value);
    heartbeat->beat = mem_new(sizeof(*heartbeat->beat));
    heartbeat->beat->heartbeat = heartbeat;
    struct beat *beat = heartbeat->beat;
    int r = put(heartbeat, &records, beat);
    records_done(&records);
    if (r != 0)
        on_written(beat, r);
}

static void on_timer(struct timer *timer) {
    struct heartbeat *heartbeat = container_of(timer, struct heartbeat, timer);
    uint64_t every_ms = heartbeat->config.every_ms;

    timer_start(heartbeat->config.loop, timer, every_ms > 0 ? every_ms : EVERY_MS);
    write_beat(heartbeat);
}

struct heartbeat *heartbeat_new(const struct heartbeat_config *config) {
    struct heartbeat *heartbeat = mem_new(sizeof(*heartbeat));
    const struct http_client_config http = { config->loop, 1, config->ca_file };

    *heartbeat = (struct heartbeat) {
        .config = *config,
        .url = mem_strdup(config->url),
        .http = http_client_new(&http),
        .timer.fire = on_timer,
        .why = mem_strdup(""),
    };
    heartbeat->config.url = heartbeat->config.ca_file = NULL; /* may be gone */
    timer_start(config->loop, &heartbeat->timer, 0);
    return heartbeat;
}

bool heartbeat_is(const struct heartbeat *heartbeat, const char *url, uint64_t every_ms) {
    if (!heartbeat || !url)
        return !heartbeat == !url;
    return strcmp(heartbeat->url, url) == 0 && heartbeat->config.every_ms == every_ms;
}

struct heartbeat *heartbeat_free(struct heartbeat *heartbeat) {
    if (!heartbeat)
        return NULL;
    timer_stop(&heartbeat->timer);
    if (heartbeat->beat)
        heartbeat->beat->heartbeat = NULL;
    http_client_cancel(heartbeat->call);
    http_client_free(heartbeat->http);
    free(heartbeat->url);
    free(heartbeat->why);
    free(heartbeat);
    return NULL;
}
