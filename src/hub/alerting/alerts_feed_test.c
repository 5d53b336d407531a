#include "hub/alerting/alerts_feed.h"

#include <string.h>

#include "alerts/judge/judge_testing.h"
#include "base/check.h"
#include "hub/nodes/registry.h"
#include "hub/timekeeper.h"
#include "loop/check_loop.h"
#include "roost/v1/processes.pb-c.h"
#include "rpc/actor.h"
#include "rpc/check_target.h"
#include "store/history/history.h"

enum { ASKS_MAX = 50 };

static const int64_t START_MS = INT64_C(1700000000000);

/* The clock is the test's. */
struct timekeeper {
    int64_t now_ms;
};

int64_t timekeeper_now_ms(const struct timekeeper *timekeeper) {
    return timekeeper->now_ms;
}

/* Nothing is kept, but who keeps company is known. */
struct history {
    struct history_company company;
};

void history_set_company(struct history *history, const struct history_company *company) {
    history->company = *company;
}

struct place {
    struct loop *loop;
    struct registry *registry;
    struct history history;
    struct timekeeper timekeeper;
    struct check_target gate;
    struct actor *actor;
    struct judge_testing hub;
    struct alerts_feed *feed;
    size_t wanted;
};

static void save_node(void *arg, const struct node *node) {
}

static void remove_name(void *arg, const char *name) {
}

static void rename_node(void *arg, const char *from, const char *to) {
}

static void place_init(struct place *place) {
    const struct registry_keeper nodes = { save_node, remove_name, rename_node, NULL };
    struct actor_rights *rights = actor_rights_new(true);

    *place = (struct place) { .loop = loop_new(), .timekeeper.now_ms = START_MS };
    place->registry = registry_new(&nodes);
    place->actor = actor_new("roost", NULL, false, rights);
    actor_rights_unref(rights);
    check_target_init(&place->gate, NULL, place);
    judge_testing_init(&place->hub, NULL, NULL);
    const struct alerts_feed_config config = {
        .loop = place->loop,
        .registry = place->registry,
        .history = &place->history,
        .timekeeper = &place->timekeeper,
        .gate = &place->gate.target,
        .alerts = place->hub.alerts,
        .incidents = place->hub.incidents,
        .actor = place->actor,
    };
    place->feed = alerts_feed_new(&config);
}

static void place_done(struct place *place) {
    alerts_feed_free(place->feed);
    loop_settle(place->loop);
    CHECK_INT(place->gate.open, 0);
    judge_testing_done(&place->hub);
    registry_free(place->registry);
    actor_unref(place->actor);
    loop_free(place->loop);
}

static struct incident *open_incident(struct place *place, const char *node) {
    struct incident *incident = incidents_open(place->hub.incidents, "rule", node, "cpu");

    CHECK(incident);
    incident_changed(place->hub.incidents, incident, INCIDENT_BEGAN,
                     place->timekeeper.now_ms, NULL);
    alerts_feed_on_fire(&place->feed, node, incident->id);
    return incident;
}

static bool all_came(void *arg) {
    struct place *place = arg;
    size_t whole = 0;

    list_for_each_safe(at, after, &place->gate.calls) whole +=
        container_of(at, struct check_call, in_list)->is_whole;
    return whole == place->wanted;
}

static void wait_for_questions(struct place *place, size_t wanted) {
    place->wanted = wanted;
    check_loop_until(place->loop, all_came, place);
}

/* Answers the oldest question with so many processes. */
static void answer(struct place *place, int count) {
    Roost__V1__ListProcessesResponse response = ROOST__V1__LIST_PROCESSES_RESPONSE__INIT;
    Roost__V1__Process rows[10];
    Roost__V1__Process *pointers[10];

    for (int i = 0; i < count; i++) {
        roost__v1__process__init(&rows[i]);
        rows[i].pid = 100 + (uint32_t)i;
        rows[i].name = "gcc";
        rows[i].user = "ada";
        rows[i].cpu_percent = 90 - i;
        rows[i].rss_bytes = 1000;
        pointers[i] = &rows[i];
    }
    response.processes = pointers;
    response.n_processes = (size_t)count;
    check_target_reply(check_target_first(&place->gate), &response.base);
    loop_settle(place->loop);
}

static void who_does_most_is_asked_and_put_down(void) {
    struct place place;

    place_init(&place);
    struct incident *incident = open_incident(&place, "pi");
    wait_for_questions(&place, 1);
    const struct check_call *held = check_target_first(&place.gate);
    CHECK_TEXT(held->call->method, "/roost.v1.Processes/List");
    CHECK_TEXT(headers_get(&held->call->metadata, "roost-node"), "pi");
    CHECK(held->call->actor == place.actor);
    Roost__V1__ListProcessesRequest *request =
        (Roost__V1__ListProcessesRequest *)check_target_read(
            held, &roost__v1__list_processes_request__descriptor);
    CHECK_INT(request->limit, INCIDENT_PROCESSES_MAX);
    CHECK_INT(request->sort, ROOST__V1__PROCESS_SORT__PROCESS_SORT_CPU);
    pb_free(&request->base);
    answer(&place, 9); /* more than it was asked for */
    CHECK_INT(incident->process_count, INCIDENT_PROCESSES_MAX);
    CHECK_INT(incident->processes[0].pid, 100);
    CHECK_TEXT(incident->processes[0].name, "gcc");
    CHECK_TEXT(incident->processes[4].user, "ada");
    place_done(&place);
}

static void fifty_are_asked_at_once_and_the_next_when_one_is_through(void) {
    struct incident *incidents[ASKS_MAX + 10];
    struct place place;
    char name[16];

    place_init(&place);
    for (int i = 0; i < ASKS_MAX + 10; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        incidents[i] = open_incident(&place, name);
    }
    wait_for_questions(&place, ASKS_MAX);
    loop_settle(place.loop);
    CHECK_INT(place.gate.begun, ASKS_MAX);
    answer(&place, 2);
    CHECK_INT(incidents[0]->process_count, 2);
    struct incident *late = open_incident(&place, "late");
    struct incident *later = open_incident(&place, "later");
    wait_for_questions(&place, ASKS_MAX);
    CHECK_INT(place.gate.begun, ASKS_MAX + 1);
    for (int i = 1; i < ASKS_MAX; i++)
        answer(&place, 1);
    answer(&place, 3);
    CHECK_INT(incidents[ASKS_MAX - 1]->process_count, 1);
    CHECK_INT(incidents[ASKS_MAX]->process_count, 0); /* there was no room for it */
    CHECK_INT(late->process_count, 3);
    CHECK_INT(later->process_count, 0);

    /* All the room is there again. */
    for (int i = 0; i < ASKS_MAX; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        open_incident(&place, name);
    }
    wait_for_questions(&place, ASKS_MAX);
    place_done(&place);
    CHECK_INT(place.gate.lost, ASKS_MAX);
}

static void a_question_that_fails_makes_room(void) {
    struct place place;

    place_init(&place);
    for (int i = 0; i < 3 * ASKS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%d", i);
        const struct incident *incident = open_incident(&place, name);
        wait_for_questions(&place, 1);
        check_target_end(check_target_first(&place.gate),
                         i % 2 ? GRPC_PERMISSION_DENIED : GRPC_UNAVAILABLE, "no");
        loop_settle(place.loop);
        CHECK_INT(incident->process_count, 0);
    }
    CHECK_INT(place.gate.begun, 3 * ASKS_MAX);
    place_done(&place);
}

static void an_incident_that_went_meanwhile_is_missed_by_nobody(void) {
    struct place place;

    place_init(&place);
    alerts_feed_on_fire(&place.feed, "pi", 12345);
    wait_for_questions(&place, 1);
    answer(&place, 3);
    alerts_feed_on_fire(&place.feed, "", 1); /* of no node */
    loop_settle(place.loop);
    CHECK_INT(place.gate.begun, 1);
    place_done(&place);
}

static void nothing_is_asked_behind_the_stop(void) {
    struct alerts_feed *nobody = NULL;
    struct place place;

    place_init(&place);
    open_incident(&place, "pi");
    wait_for_questions(&place, 1);
    alerts_feed_stop(place.feed);
    loop_settle(place.loop);
    CHECK_INT(place.gate.lost, 1);
    open_incident(&place, "pa");
    alerts_feed_on_fire(&nobody, "pi", 1);
    loop_settle(place.loop);
    CHECK_INT(place.gate.begun, 1);
    alerts_feed_take(NULL, NULL);
    place_done(&place);
}

static void it_keeps_the_history_company_until_it_is_freed(void) {
    struct records records = { 0 };
    struct place place;

    place_init(&place);
    open_incident(&place, "pi");
    alerts_feed_stop(place.feed);
    place.history.company.collect(place.history.company.arg, &records);
    CHECK(records.count > 0);
    place.history.company.settle(place.history.company.arg);
    records_done(&records);
    place.history.company.collect(place.history.company.arg, &records);
    CHECK_INT(records.count, 0);
    records_done(&records);
    place_done(&place);
}

TESTS(TEST(who_does_most_is_asked_and_put_down),
      TEST(fifty_are_asked_at_once_and_the_next_when_one_is_through),
      TEST(a_question_that_fails_makes_room),
      TEST(an_incident_that_went_meanwhile_is_missed_by_nobody),
      TEST(nothing_is_asked_behind_the_stop),
      TEST(it_keeps_the_history_company_until_it_is_freed))
