#include "hub/probes/stability_result.h"

#include <math.h>

#include "base/check.h"
#include "hub/probes/stability.h"

/* A report of an agent with these round trips behind what is known. */
static Roost__V1__StabilityReport make_report(const struct stability_result *result,
                                              float *rtts_ms,
                                              size_t count) {
    Roost__V1__StabilityReport report = ROOST__V1__STABILITY_REPORT__INIT;

    report.interval_ms = 1000;
    report.planned = 10;
    report.sent = 10;
    report.size = 64;
    report.first = (uint32_t)result->count;
    report.rtts_ms = rtts_ms;
    report.n_rtts_ms = count;
    return report;
}

static void a_silence_is_an_outage_from_its_first_loss(void) {
    float rtts_ms[] = { 1, -1, 2, -1, -1, -1, -1, 3 };
    struct stability_result result = { 0 };
    struct stability_result_report told = { 0 };

    for (size_t i = 0; i < sizeof(rtts_ms) / sizeof(rtts_ms[0]); i++) {
        Roost__V1__StabilityReport report = make_report(&result, &rtts_ms[i], 1);
        CHECK(stability_result_take(&result, &report));
    }
    CHECK_INT(result.lost, 5);
    CHECK_INT(result.outage_count, 1);
    CHECK_INT(result.outages[0].first, 3);
    CHECK_INT(result.outages[0].count, 4);
    result.started_ms = 1000;
    stability_result_fill(&result, "a", &told);
    CHECK_INT(told.message.n_outages, 1);
    CHECK_INT(told.message.outages[0]->start->seconds, 4);
    CHECK_INT(told.message.outages[0]->end->seconds, 8);
    CHECK_INT(told.message.outages[0]->lost, 4);
    CHECK(told.message.loss_percent > 62 && told.message.loss_percent < 63);
    stability_result_report_done(&told);
    stability_result_done(&result);
}

static void what_is_no_time_is_a_loss(void) {
    float rtts_ms[] = { NAN, -INFINITY };
    struct stability_result result = { 0 };
    Roost__V1__StabilityReport report = make_report(&result, rtts_ms, 2);

    CHECK(stability_result_take(&result, &report));
    CHECK_INT(result.lost, 2);
    stability_result_done(&result);
}

/* Each changes one thing of a report that is fine. */
static void spoil(Roost__V1__StabilityReport *report, size_t how) {
    switch (how) {
    case 0:
        report->interval_ms = STABILITY_INTERVAL_MIN_MS - 1;
        break;
    case 1:
        report->interval_ms = STABILITY_INTERVAL_MAX_MS + 1;
        break;
    case 2:
        report->interval_ms = 2000; /* another one than at first */
        break;
    case 3:
        report->size = STABILITY_BYTES_MIN - 1;
        break;
    case 4:
        report->size = STABILITY_BYTES_MAX + 1;
        break;
    case 5:
        report->planned = STABILITY_COUNT_MAX + 1;
        break;
    case 6:
        report->planned = 1; /* fewer than are known */
        break;
    case 7:
        report->planned = 3; /* fewer than come */
        break;
    default:
        report->first++;
    }
}

static void a_report_that_does_not_fit_changes_nothing(void) {
    float rtts_ms[] = { 1, 2 };
    struct stability_result result = { 0 };
    Roost__V1__StabilityReport report = make_report(&result, rtts_ms, 2);

    CHECK(stability_result_take(&result, &report));
    for (size_t how = 0; how <= 8; how++) {
        report = make_report(&result, rtts_ms, 2);
        spoil(&report, how);
        CHECK(!stability_result_take(&result, &report));
        CHECK_INT(result.count, 2);
        CHECK_INT(result.planned, 10);
    }
    report = make_report(&result, rtts_ms, 2);
    CHECK(stability_result_take(&result, &report));
    CHECK_INT(result.count, 4);
    stability_result_done(&result);
}

TESTS(TEST(a_silence_is_an_outage_from_its_first_loss),
      TEST(what_is_no_time_is_a_loss),
      TEST(a_report_that_does_not_fit_changes_nothing))
