#include "hub/probes/stability_result.h"

#include <stdlib.h>

#include "base/mem.h"
#include "hub/probes/latency_message.h"
#include "hub/probes/stability.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    OUTAGES_MAX = 1000, /* in a report */
    ROOM_LEAST = 1024,
};

void stability_result_done(struct stability_result *result) {
    free(result->rtts_ms);
    free(result->outages);
}

static void add_answer(struct stability_result *result, float rtt_ms) {
    bool is_lost = !(rtt_ms >= 0);
    size_t least = (STABILITY_OUTAGE_MS + result->interval_ms - 1) / result->interval_ms;

    if (result->count == result->room) {
        result->room = result->room ? 2 * result->room : ROOM_LEAST;
        result->rtts_ms =
            mem_grow(result->rtts_ms, result->room * sizeof(*result->rtts_ms));
    }
    result->rtts_ms[result->count++] = is_lost ? -1 : rtt_ms;
    if (!is_lost) {
        latency_add(&result->latency, (double)rtt_ms);
        result->run = 0;
        return;
    }
    result->lost++;
    result->run++;
    if (result->run == least) {
        result->outages = mem_grow(result->outages,
                                   (result->outage_count + 1) * sizeof(*result->outages));
        result->outages[result->outage_count++].first = result->count - least;
    }
    if (result->run >= least)
        result->outages[result->outage_count - 1].count = result->run;
}

/* Of a hostile agent nothing is believed that does not fit. */
static bool fits(const struct stability_result *result,
                 const Roost__V1__StabilityReport *report) {
    bool has_limits = report->interval_ms >= STABILITY_INTERVAL_MIN_MS &&
                      report->interval_ms <= STABILITY_INTERVAL_MAX_MS &&
                      report->size >= STABILITY_BYTES_MIN &&
                      report->size <= STABILITY_BYTES_MAX &&
                      report->planned <= STABILITY_COUNT_MAX;

    return has_limits && report->first == result->count &&
           result->count <= report->planned &&
           report->n_rtts_ms <= report->planned - result->count &&
           (!result->is_begun || report->interval_ms == result->interval_ms);
}

bool stability_result_take(struct stability_result *result,
                           const Roost__V1__StabilityReport *report) {
    if (!fits(result, report))
        return false;
    result->interval_ms = report->interval_ms;
    result->planned = report->planned;
    result->sent = report->sent;
    result->size = report->size;
    if (report->started && !result->is_begun)
        result->started_ms = timestamp_get(report->started);
    result->is_begun = true;
    for (size_t i = 0; i < report->n_rtts_ms; i++)
        add_answer(result, report->rtts_ms[i]);
    return true;
}

static void fill_outages(struct stability_result_report *report,
                         const struct stability_result *result) {
    size_t count =
        result->outage_count < OUTAGES_MAX ? result->outage_count : OUTAGES_MAX;

    report->outages = mem_new_array(count, sizeof(*report->outages));
    report->pointers = mem_new_array(count, sizeof(*report->pointers));
    report->times = mem_new_array(2 * count, sizeof(*report->times));
    for (size_t i = 0; i < count; i++) {
        const struct latency_outage *from = &result->outages[i];
        Roost__V1__Outage *out = report->pointers[i] = &report->outages[i];
        int64_t start_ms =
            result->started_ms + (int64_t)from->first * result->interval_ms;
        int64_t end_ms = start_ms + (int64_t)from->count * result->interval_ms;
        roost__v1__outage__init(out);
        out->start = timestamp_set(&report->times[2 * i], start_ms);
        out->end = timestamp_set(&report->times[2 * i + 1], end_ms);
        out->lost = (uint32_t)from->count;
    }
    report->message.outages = report->pointers;
    report->message.n_outages = count;
}

void stability_result_fill(const struct stability_result *result,
                           const char *test_id,
                           struct stability_result_report *report) {
    Roost__V1__StabilityReport *message = &report->message;

    roost__v1__stability_report__init(message);
    message->test_id = pb_lend(test_id);
    message->interval_ms = result->interval_ms;
    message->planned = result->planned;
    message->sent = result->sent;
    message->size = (uint32_t)result->size;
    message->lost = (uint32_t)result->lost;
    if (result->started_ms)
        message->started = timestamp_set(&report->started, result->started_ms);
    if (result->count > 0)
        message->loss_percent = 100.0 * (double)result->lost / (double)result->count;
    latency_message_fill(&result->latency, &report->latency);
    message->rtt = &report->latency;
    fill_outages(report, result);
}

void stability_result_report_done(struct stability_result_report *report) {
    free(report->outages);
    free(report->pointers);
    free(report->times);
}
