#include "hub/talk/alert_pictures.h"

#include <math.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "base/check.h"
#include "loop/check_loop.h"
#include "roost/v1/metrics.pb-c.h"
#include "rpc/actor.h"
#include "rpc/check_target.h"

enum { DRAW_MS = 3000, BEFORE_MS = 3600000, NEVER = 999 };

/* A gate whose charts the test draws, and who waits for them. */
struct place {
    struct loop *loop;
    struct actor *actor;
    struct check_target gate;
    struct alert_pictures *pictures;
    unsigned done;
    struct buf png;  /* the last; of a week all of them, with spaces between */
    size_t charts;   /* of the last week */
    size_t expected; /* how many are waited for */
};

static void place_init(struct place *place) {
    struct actor_rights *rights = actor_rights_new(true);

    *place = (struct place) { .loop = loop_new() };
    place->actor = actor_new("roost", NULL, false, rights);
    actor_rights_unref(rights);
    check_target_init(&place->gate, NULL, place);
    place->pictures = alert_pictures_new(place->loop, &place->gate.target, place->actor);
}

static void place_done(struct place *place) {
    alert_pictures_free(place->pictures);
    loop_settle(place->loop);
    CHECK_INT(place->gate.open, 0);
    actor_unref(place->actor);
    buf_done(&place->png);
    loop_free(place->loop);
}

static void on_drawn(void *arg, struct slice png) {
    struct place *place = arg;

    place->done++;
    buf_clear(&place->png);
    buf_add_slice(&place->png, png);
}

static void on_week(void *arg, const struct slice *pngs, size_t count) {
    struct place *place = arg;

    place->done++;
    place->charts = count;
    buf_clear(&place->png);
    for (size_t i = 0; i < count; i++) {
        buf_add_slice(&place->png, pngs[i]);
        buf_add(&place->png, " ", 1);
    }
}

static bool is_done(void *arg) {
    const struct place *place = arg;
    return place->done >= place->expected;
}

static void wait_for(struct place *place, size_t done) {
    place->expected = done;
    check_loop_until(place->loop, is_done, place);
}

static bool is_asked(void *arg) {
    struct place *place = arg;
    struct check_call *held = check_target_first(&place->gate);
    return held && held->is_whole;
}

/* What was asked for; pb_free() it. */
static Roost__V1__ChartRequest *asked(struct place *place) {
    check_loop_until(place->loop, is_asked, place);
    return (Roost__V1__ChartRequest *)check_target_read(
        check_target_first(&place->gate), &roost__v1__chart_request__descriptor);
}

static void draw_it(struct place *place, const char *bytes) {
    Roost__V1__ChartResponse response = ROOST__V1__CHART_RESPONSE__INIT;

    response.image.data = (uint8_t *)(uintptr_t)bytes;
    response.image.len = strlen(bytes);
    check_target_reply(check_target_first(&place->gate), &response.base);
}

static struct incident incident_of(const char *node, const char *series) {
    return (struct incident) {
        .node = (char *)(uintptr_t)node,
        .series = (char *)(uintptr_t)series,
        .threshold = 90,
        .started_ms = INT64_C(1700000000000),
    };
}

static void a_chart_is_of_the_hour_before_with_its_threshold(void) {
    struct incident incident = incident_of("pi", "cpu");
    struct place place;

    place_init(&place);
    alert_pictures_draw(place.pictures, &incident, on_drawn, &place);
    Roost__V1__ChartRequest *request = asked(&place);
    CHECK_TEXT(request->select, "pi");
    CHECK_INT(request->n_metrics, 1);
    CHECK_TEXT(request->metrics[0], "cpu");
    CHECK_INT(request->since->seconds, (1700000000000 - BEFORE_MS) / 1000);
    CHECK_INT(request->n_thresholds, 1);
    CHECK(request->thresholds[0] == 90);
    pb_free(&request->base);
    CHECK_INT(place.done, 0);
    draw_it(&place, "png");
    wait_for(&place, 1);
    CHECK_TEXT(buf_text(&place.png), "png");

    incident.threshold = NAN;
    alert_pictures_draw(place.pictures, &incident, on_drawn, &place);
    request = asked(&place);
    CHECK_INT(request->n_thresholds, 0);
    pb_free(&request->base);
    draw_it(&place, "more");
    wait_for(&place, 2);
    place_done(&place);
}

static void what_has_no_chart_is_told_without_one_and_later(void) {
    static const struct {
        const char *node, *series;
    } rows[] = { { "", "cpu" }, { "pi", "offline" }, { "pi", "unit nginx.service" } };
    struct place place;

    place_init(&place);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct incident incident = incident_of(rows[i].node, rows[i].series);
        buf_add(&place.png, "x", 1);
        alert_pictures_draw(place.pictures, &incident, on_drawn, &place);
        CHECK_INT(place.done, i); /* never before it returns */
        wait_for(&place, i + 1);
        CHECK_INT(place.png.len, 0);
    }
    CHECK_INT(place.gate.begun, 0);
    place_done(&place);
}

static void a_chart_that_does_not_come_in_time_keeps_nobody(void) {
    struct incident incident = incident_of("pi", "cpu");
    struct place place;

    place_init(&place);
    uint64_t begun_us = loop_clock_us();
    alert_pictures_draw(place.pictures, &incident, on_drawn, &place);
    wait_for(&place, 1);
    uint64_t took_ms = (loop_clock_us() - begun_us) / 1000;
    CHECK(took_ms + 1 >= DRAW_MS);
    CHECK_INT(place.gate.begun, 1);
    CHECK_INT(place.png.len, 0);
    loop_settle(place.loop);
    CHECK_INT(place.gate.lost, 1); /* and nobody draws it any more */
    place_done(&place);
    CHECK_INT(place.done, 1);
}

static void a_chart_that_fails_is_left_out(void) {
    struct incident incident = incident_of("pi", "cpu");
    struct place place;

    place_init(&place);
    alert_pictures_draw(place.pictures, &incident, on_drawn, &place);
    pb_free(&asked(&place)->base);
    check_target_end(check_target_first(&place.gate), GRPC_NOT_FOUND, "no such series");
    wait_for(&place, 1);
    CHECK_INT(place.png.len, 0);
    place_done(&place);
}

static void a_week_is_drawn_one_behind_the_other(void) {
    static const char *const kinds[] = { "cpu", "mem", "disk" };
    struct place place;

    place_init(&place);
    alert_pictures_draw_week(place.pictures, "@prod", on_week, &place);
    for (size_t i = 0; i < 3; i++) {
        Roost__V1__ChartRequest *request = asked(&place);
        CHECK_INT(place.gate.begun, i + 1);
        CHECK_TEXT(request->select, "@prod");
        CHECK_TEXT(request->metrics[0], kinds[i]);
        CHECK_INT(request->last_ms, 7 * 24 * 3600 * 1000);
        pb_free(&request->base);
        if (i == 1)
            check_target_end(check_target_first(&place.gate), GRPC_NOT_FOUND, "none");
        else
            draw_it(&place, kinds[i]);
    }
    wait_for(&place, 1);
    CHECK_INT(place.charts, 2);
    CHECK_TEXT(buf_text(&place.png), "cpu disk ");
    place_done(&place);
}

static void who_waits_hears_of_the_end(void) {
    struct incident incident = incident_of("pi", "cpu");
    struct incident without = incident_of("pi", "offline");
    struct place place;

    place_init(&place);
    alert_pictures_draw(place.pictures, &incident, on_drawn, &place);
    alert_pictures_draw(place.pictures, &without, on_drawn, &place);
    alert_pictures_draw_week(place.pictures, "", on_week, &place);
    pb_free(&asked(&place)->base);
    place.charts = NEVER;
    place.pictures = alert_pictures_free(place.pictures);
    CHECK_INT(place.done, 3);
    CHECK_INT(place.charts, 0);
    loop_settle(place.loop);
    CHECK_INT(place.gate.lost, 2);
    place_done(&place);
    CHECK_INT(place.done, 3);
}

TESTS(TEST(a_chart_is_of_the_hour_before_with_its_threshold),
      TEST(what_has_no_chart_is_told_without_one_and_later),
      TEST(a_chart_that_does_not_come_in_time_keeps_nobody),
      TEST(a_chart_that_fails_is_left_out),
      TEST(a_week_is_drawn_one_behind_the_other),
      TEST(who_waits_hears_of_the_end))
