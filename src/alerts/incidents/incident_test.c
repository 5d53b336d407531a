#include "alerts/incidents/incident.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/records.h"

/* What a watcher was told, a letter each. */
struct told {
    struct incident_watcher watcher;
    char letters[64];
    size_t count;
    unsigned flushes;
};

static void note(struct incident_watcher *watcher,
                 struct incident *incident,
                 enum incident_change change) {
    struct told *told = container_of(watcher, struct told, watcher);

    CHECK(incident->durable <= incident->version);
    told->letters[told->count++] = "BETV"[change];
}

static void count_flush(void *arg) {
    ((struct told *)arg)->flushes++;
}

static struct incidents *make(struct told *told) {
    *told = (struct told) { .watcher.on_change = note };
    struct incidents *incidents = incidents_new(
        &(struct incidents_config) { .want_flush = count_flush, .arg = told });
    incidents_watch(incidents, &told->watcher);
    return incidents;
}

static void finish(struct incidents *incidents, struct told *told) {
    incidents_unwatch(&told->watcher);
    incidents_free(incidents);
}

static void flush(struct incidents *incidents, bool is_durable) {
    struct records records = { 0 };

    incidents_collect(incidents, &records);
    incidents_settle(incidents, is_durable);
    records_done(&records);
}

static void watchers_are_told_when_it_is_durable(void) {
    struct told told;
    struct incidents *incidents = make(&told);
    struct incident *incident = incidents_open(incidents, "disk", "nas", "disk:/");

    incident_changed(incidents, incident, INCIDENT_BEGAN, 1000, "fired");
    CHECK_INT(told.flushes, 1);
    CHECK_INT(told.count, 0);
    flush(incidents, false);
    CHECK_INT(told.count, 0);
    flush(incidents, true);
    CHECK_TEXT(told.letters, "B");
    CHECK_INT(incident->durable, incident->version);
    flush(incidents, true);
    CHECK_TEXT(told.letters, "B");
    incident_changed(incidents, incident, INCIDENT_VALUE, 2000, NULL);
    CHECK_INT(told.flushes, 1);
    incident_acknowledge(incidents, incident, "ada", 3000);
    incident_end(incidents, incident, 4000, "resolved");
    incident_end(incidents, incident, 5000, "resolved again");
    flush(incidents, true);
    CHECK_TEXT(told.letters, "BTVE");
    CHECK_INT(incident->ended_ms, 4000);
    CHECK(!incidents_find(incidents, "disk", "nas", "disk:/"));
    finish(incidents, &told);
}

static void what_changes_meanwhile_waits_for_the_next_batch(void) {
    struct told told;
    struct incidents *incidents = make(&told);
    struct incident *incident = incidents_open(incidents, "disk", "nas", "disk:/");
    struct records records = { 0 };

    incident_changed(incidents, incident, INCIDENT_BEGAN, 1000, "fired");
    incidents_collect(incidents, &records);
    incident_end(incidents, incident, 2000, "resolved");
    incidents_settle(incidents, true);
    CHECK_TEXT(told.letters, "B");
    CHECK_INT(incident->durable, 1);
    flush(incidents, true);
    CHECK_TEXT(told.letters, "BE");
    records_done(&records);
    finish(incidents, &told);
}

static void fill(struct incidents *incidents, struct incident *incident) {
    static const struct incident_process processes[] = {
        { .pid = 7, .name = "cc1", .user = "ada", .cpu = 99.5, .memory = 1 << 20 },
    };

    incident_set(&incident->text, "disk:/ is 93.1 %");
    incident_set(&incident->unit, "%");
    incident_set(&incident->evidence, "no sign of life");
    incident->severity = INCIDENT_CRITICAL;
    incident->found_at_join = true;
    incident->is_history = true;
    incident->value = 93.1;
    incident->threshold = 90;
    incident->started_ms = 1000;
    incident->nodes = mem_new_array(3, sizeof(char *));
    incident->nodes[0] = mem_strdup("nas");
    incident->nodes[1] = mem_strdup("pi");
    incident_changed(incidents, incident, INCIDENT_BEGAN, 1000, "fired");
    incident_put_processes(incidents, incident, processes, 1, 1500);
    incident_silence(incidents, incident, 9000, "ada", 2000);
    incident_sleep(incidents, incident, "ada", 2500);
}

static void check_filled(const struct incident *incident) {
    CHECK_TEXT(incident->text, "disk:/ is 93.1 %");
    CHECK_TEXT(incident->unit, "%");
    CHECK_TEXT(incident->evidence, "no sign of life");
    CHECK_INT(incident->severity, INCIDENT_CRITICAL);
    CHECK(incident->found_at_join && incident->is_history && incident->sleeps);
    CHECK(incident->value == 93.1 && incident->threshold == 90);
    CHECK_INT(incident->started_ms, 1000);
    CHECK_INT(incident->silenced_until_ms, 9000);
    CHECK_TEXT(incident->nodes[1], "pi");
    CHECK(!incident->nodes[2]);
    CHECK_INT(incident->process_count, 1);
    CHECK_TEXT(incident->processes[0].name, "cc1");
    CHECK_INT(incident->step_count, 3);
    CHECK_TEXT(incident->steps[1].text, "silenced by ada");
    CHECK_INT(incident->durable, incident->version);
}

static void what_is_kept_comes_back_the_same(void) {
    struct told told, other;
    struct incidents *incidents = make(&told);
    struct incidents *again = make(&other);
    struct incident *incident = incidents_open(incidents, "disk", "nas", "disk:/");
    struct records records = { 0 };

    fill(incidents, incident);
    incidents_collect(incidents, &records);
    CHECK_INT(records.count, 1);
    struct slice value = slice_of(records.rows[0].value, records.rows[0].len);
    CHECK(incidents_load(again, records.rows[0].space, records.rows[0].key, value));
    CHECK(incidents_load(again, records.rows[0].space, records.rows[0].key, value));
    CHECK(!incidents_load(again, "chat.intent", "1", value));
    CHECK(incidents_load(again, "alerts.incident", "9", slice_of_text("damaged")));
    for (size_t len = 0; len < value.len; len++)
        CHECK(incidents_load(again, "alerts.incident", "9", slice_of(value.at, len)));
    struct incident *found = incidents_find(again, "disk", "nas", "disk:/");
    CHECK(found && found == incidents_by_id(again, incident->id));
    check_filled(found);
    CHECK_INT(incidents_open(again, "disk", "pi", "disk:/")->id, incident->id + 1);
    incidents_settle(incidents, true);
    records_done(&records);
    finish(incidents, &told);
    finish(again, &other);
}

static void only_so_many_may_be_open(void) {
    struct told told;
    struct incidents *incidents = make(&told);
    char series[32];

    for (int i = 0; i < INCIDENTS_OPEN_MAX; i++) {
        snprintf(series, sizeof(series), "disk:/%d", i);
        CHECK(incidents_open(incidents, "disk", "nas", series));
    }
    CHECK(!incidents_open(incidents, "disk", "nas", "one more"));
    CHECK_INT(incidents_open_count(incidents), INCIDENTS_OPEN_MAX);
    finish(incidents, &told);
}

static void of_those_that_are_over_the_oldest_make_room(void) {
    struct told told;
    struct incidents *incidents = make(&told);
    struct records records = { 0 };

    incidents_unwatch(&told.watcher);
    for (int i = 0; i < INCIDENTS_KEPT_MAX + 3; i++) {
        struct incident *incident = incidents_open(incidents, "disk", "nas", "disk:/");
        incident_end(incidents, incident, 1000, "resolved");
    }
    flush(incidents, true);
    incidents_collect(incidents, &records);
    CHECK_INT(records.count, 3);
    CHECK(records.rows[0].is_removed);
    CHECK(!incidents_by_id(incidents, 1));
    CHECK(incidents_by_id(incidents, 4));
    incidents_settle(incidents, false);
    records_done(&records);
    incidents_collect(incidents, &records);
    CHECK_INT(records.count, 3);
    incidents_settle(incidents, true);
    records_done(&records);
    incidents_collect(incidents, &records);
    CHECK_INT(records.count, 0);
    incidents_free(incidents);
}

static void they_follow_their_node_or_end(void) {
    struct told told;
    struct incidents *incidents = make(&told);

    incidents_open(incidents, "disk", "nas", "disk:/");
    incidents_rename_node(incidents, "nas", "store");
    CHECK(!incidents_find(incidents, "disk", "nas", "disk:/"));
    struct incident *incident = incidents_find(incidents, "disk", "store", "disk:/");
    CHECK_TEXT(incident->node, "store");
    incidents_forget_node(incidents, "store", 5000);
    CHECK_INT(incident->state, INCIDENT_RESOLVED);
    CHECK_TEXT(incident->steps[0].text, "the node was removed");
    CHECK_INT(incidents_open_count(incidents), 0);
    finish(incidents, &told);
}

static void they_are_walked_newest_first(void) {
    struct told told;
    struct incidents *incidents = make(&told);

    incidents_open(incidents, "a", "nas", "");
    incidents_open(incidents, "b", "nas", "");
    struct incident *first = incidents_next(incidents, NULL);
    CHECK_TEXT(first->rule, "b");
    CHECK_TEXT(incidents_next(incidents, first)->rule, "a");
    CHECK(!incidents_next(incidents, incidents_next(incidents, first)));
    finish(incidents, &told);
}

static void a_long_timeline_keeps_its_ends(void) {
    struct told told;
    struct incidents *incidents = make(&told);
    struct incident *incident = incidents_open(incidents, "a", "nas", "");
    char step[16];

    for (int i = 0; i < 200; i++) {
        snprintf(step, sizeof(step), "%d", i);
        incident_changed(incidents, incident, INCIDENT_TOUCHED, i, step);
    }
    CHECK_INT(incident->step_count, INCIDENT_STEPS_MAX);
    CHECK_TEXT(incident->steps[0].text, "0");
    CHECK_TEXT(incident->steps[INCIDENT_STEPS_MAX - 1].text, "199");
    finish(incidents, &told);
}

TESTS(TEST(watchers_are_told_when_it_is_durable),
      TEST(what_changes_meanwhile_waits_for_the_next_batch),
      TEST(what_is_kept_comes_back_the_same),
      TEST(only_so_many_may_be_open),
      TEST(of_those_that_are_over_the_oldest_make_room),
      TEST(they_follow_their_node_or_end),
      TEST(they_are_walked_newest_first),
      TEST(a_long_timeline_keeps_its_ends))
