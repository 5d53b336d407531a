#include "alerts/judge/alerts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/judge/judge_testing.h"
#include "alerts/rules/rule.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60000 };

/* A hub of which the clock is the test's. */
struct place {
    struct judge_testing hub;
    struct buf told;
    int64_t now_ms;
    uint64_t seq;
};

static void on_told(void *arg, struct incident *incident, enum incident_change change) {
    struct place *place = arg;

    if (change == INCIDENT_BEGAN || change == INCIDENT_ENDED)
        buf_printf(&place->told, "%s%c%s/%s/%s", place->told.len > 0 ? " " : "",
                   change == INCIDENT_BEGAN ? '+' : '-', incident->rule, incident->node,
                   incident->series);
}

static void begin(struct place *place, bool has_built_ins) {
    *place = (struct place) { .now_ms = INT64_C(1700000000000) };
    judge_testing_init(&place->hub, on_told, place);
    place->hub.has_built_ins = has_built_ins;
    place->hub.start_ms = place->now_ms;
    judge_testing_restart(&place->hub);
}

static void end(struct place *place) {
    judge_testing_done(&place->hub);
    buf_done(&place->told);
}

/* What was told since the last time. */
static void check_told(struct place *place, const char *wanted) {
    judge_testing_flush(&place->hub);
    CHECK_TEXT(buf_text(&place->told), wanted);
    buf_clear(&place->told);
}

static void put_rule(struct place *place,
                     const char *name,
                     const char *select,
                     const char *condition) {
    struct rule *rule = rule_new(name);
    char *why = NULL;

    CHECK_INT(rule_set_condition(rule, condition, &why), 0);
    incident_set(&rule->select, select);
    alerts_put_rule(place->hub.alerts, rule);
}

static void put_node(struct place *place, const char *name, bool is_online) {
    alerts_put_node(place->hub.alerts,
                    &(struct alerts_node) {
                        .name = name,
                        .is_online = is_online,
                        .since_ms = place->now_ms,
                        .joined_ms = 1,
                        .why = is_online ? "" : "no sign of life",
                    },
                    place->now_ms);
}

/* The clock goes on, a second at a time. */
static void wait(struct place *place, int64_t ms) {
    for (int64_t until_ms = place->now_ms + ms; place->now_ms < until_ms;) {
        place->now_ms += SECOND_MS;
        CHECK(alerts_tick(place->hub.alerts, place->now_ms) > place->now_ms);
    }
}

static void give(struct place *place,
                 const char *node,
                 const char *series,
                 double value) {
    const struct alerts_metric metric = { series, "%", 1 };
    int64_t raw = (int64_t)(value * 10);

    alerts_take_row(place->hub.alerts, &(struct alerts_row) {
                                           .node = node,
                                           .catalogue = 1,
                                           .metrics = &metric,
                                           .count = 1,
                                           .epoch = 1,
                                           .seq = ++place->seq,
                                           .time_ms = place->now_ms,
                                           .interval_ms = 5000,
                                           .values = &raw,
                                       });
}

static void find(struct place *place, const char *node, const char *series, bool is_bad) {
    alerts_take_finding(place->hub.alerts,
                        &(struct alerts_finding) {
                            .node = node,
                            .series = series,
                            .is_bad = is_bad,
                            .text = is_bad ? "exit code 1" : "",
                        },
                        place->now_ms);
}

static struct incident *first(const struct place *place) {
    return incidents_next(place->hub.incidents, NULL);
}

static void a_node_that_is_offline_is_told_after_its_grace(void) {
    struct place place;

    begin(&place, true);
    put_node(&place, "nas", true);
    wait(&place, 10 * MINUTE_MS);
    put_node(&place, "nas", false);
    wait(&place, 179 * SECOND_MS);
    check_told(&place, "");
    wait(&place, SECOND_MS);
    check_told(&place, "+offline/nas/offline");
    CHECK_INT(first(&place)->severity, INCIDENT_CRITICAL);
    CHECK_TEXT(first(&place)->text, "offline for 3 min: no sign of life");
    CHECK(strstr(first(&place)->evidence, "no other node was lost then"));
    CHECK(strstr(first(&place)->evidence, "the hub was started 13 min ago"));
    put_node(&place, "nas", true);
    check_told(&place, "-offline/nas/offline");
    put_node(&place, "nas", false);
    wait(&place, MINUTE_MS);
    put_node(&place, "nas", true);
    wait(&place, 5 * MINUTE_MS);
    check_told(&place, "");
    end(&place);
}

static void after_a_start_links_have_time_to_come_again(void) {
    struct place place;

    begin(&place, true);
    put_node(&place, "nas", false);
    place.now_ms -= 0;
    wait(&place, ALERTS_START_MS - SECOND_MS);
    check_told(&place, "");
    wait(&place, SECOND_MS);
    check_told(&place, "+offline/nas/offline");
    /* Known before the next start: nobody is told again, and not that it is well. */
    place.hub.start_ms = place.now_ms;
    judge_testing_restart(&place.hub);
    judge_testing_flush(&place.hub);
    CHECK_INT(first(&place)->state, INCIDENT_RESOLVED);
    end(&place);
}

static void what_goes_on_is_known_after_a_start(void) {
    struct place place;

    begin(&place, true);
    judge_testing_put_node(&place.hub, "nas", 1);
    put_node(&place, "nas", false);
    wait(&place, 5 * MINUTE_MS);
    check_told(&place, "+offline/nas/offline");
    place.hub.start_ms = place.now_ms;
    judge_testing_restart(&place.hub);
    put_node(&place, "nas", false);
    wait(&place, 10 * MINUTE_MS);
    CHECK_INT(first(&place)->state, INCIDENT_FIRING);
    check_told(&place, "");
    end(&place);
}

static void put_many(struct place *place, int count, bool is_online) {
    char name[16];

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "pi%d", i);
        put_node(place, name, is_online);
    }
}

static void many_that_are_lost_together_are_one_incident(void) {
    struct place place;

    begin(&place, true);
    put_many(&place, 8, true);
    wait(&place, 10 * MINUTE_MS);
    put_many(&place, 5, false);
    wait(&place, 200 * SECOND_MS);
    check_told(&place, "+uplink//uplink");
    CHECK_TEXT(first(&place)->text,
               "5 of 8 nodes were lost within 30 s: is it the hub's own uplink?");
    CHECK_INT(rule_list_count(first(&place)->nodes), 5);
    put_many(&place, 5, true);
    check_told(&place, "-uplink//uplink");
    end(&place);
}

static void stragglers_get_their_own(void) {
    struct place place;

    begin(&place, true);
    put_many(&place, 6, true);
    wait(&place, 10 * MINUTE_MS);
    put_many(&place, 6, false);
    wait(&place, 10 * MINUTE_MS);
    check_told(&place, "+uplink//uplink");
    put_many(&place, 5, true);
    wait(&place, 50 * SECOND_MS);
    check_told(&place, "");
    wait(&place, 20 * SECOND_MS);
    check_told(&place, "-uplink//uplink +offline/pi5/offline");
    put_node(&place, "pi5", true);
    check_told(&place, "-offline/pi5/offline");
    end(&place);
}

static void few_or_a_small_part_are_not_the_uplink(void) {
    struct place place;

    begin(&place, true);
    put_many(&place, 10, true);
    wait(&place, 10 * MINUTE_MS);
    put_many(&place, 2, false);
    wait(&place, 5 * MINUTE_MS);
    judge_testing_flush(&place.hub);
    CHECK(!incidents_find(place.hub.incidents, "uplink", "", "uplink"));
    CHECK_INT(incidents_open_count(place.hub.incidents), 2);
    CHECK(strstr(first(&place)->evidence, "lost within 30 s of it: pi"));
    end(&place);
}

static void one_that_sleeps_is_nobodys_worry(void) {
    struct place place;

    begin(&place, true);
    put_rule(&place, "offline-long", "", "offline for 1h");
    put_node(&place, "tv", true);
    wait(&place, 10 * MINUTE_MS);
    put_node(&place, "tv", false);
    wait(&place, 5 * MINUTE_MS);
    check_told(&place, "+offline/tv/offline");
    incident_sleep(place.hub.incidents, first(&place), "ada", place.now_ms);
    wait(&place, 120 * MINUTE_MS);
    check_told(&place, "");
    CHECK(first(&place)->sleeps);
    put_node(&place, "tv", true);
    check_told(&place, "-offline/tv/offline");
    put_node(&place, "tv", false);
    wait(&place, 5 * MINUTE_MS);
    check_told(&place, "+offline/tv/offline");
    end(&place);
}

static void failed_units_are_told_after_a_while(void) {
    struct place place;

    begin(&place, true);
    put_node(&place, "nas", true);
    find(&place, "nas", "unit a.service", true);
    find(&place, "nas", "unit b.service", true);
    wait(&place, 60 * SECOND_MS);
    find(&place, "nas", "unit b.service", false);
    wait(&place, 59 * SECOND_MS);
    check_told(&place, "");
    wait(&place, SECOND_MS);
    check_told(&place, "+unit/nas/unit a.service");
    CHECK_TEXT(first(&place)->text, "unit a.service has failed: exit code 1");
    find(&place, "nas", "unit a.service", false);
    wait(&place, 60 * SECOND_MS);
    check_told(&place, "-unit/nas/unit a.service");
    end(&place);
}

static void count_visit(void *arg, const char *series) {
    struct buf *out = arg;
    buf_printf(out, "%s%s", out->len > 0 ? "; " : "", series);
}

static void certificates_are_told_by_how_long_they_last(void) {
    struct place place;
    struct alerts_finding finding = { .node = "nas",
                                      .series = "certificate a:443",
                                      .value = 10 * 86400e3,
                                      .text = "CN=a" };
    struct buf asked = { 0 };

    begin(&place, false);
    put_rule(&place, "cert", "nas", "certificate(a:443) < 14d");
    put_rule(&place, "cert-soon", "nas", "certificate(a:443) < 3d");
    put_node(&place, "nas", true);
    alerts_take_finding(place.hub.alerts, &finding, place.now_ms);
    check_told(&place, "+cert/nas/certificate a:443");
    CHECK_TEXT(first(&place)->text, "the certificate a:443 ends in 10 d: CN=a");
    alerts_each_question(place.hub.alerts, "nas", count_visit, &asked);
    CHECK(strstr(buf_text(&asked), "certificate a:443"));
    buf_clear(&asked);
    alerts_each_finding(place.hub.alerts, "nas", count_visit, &asked);
    CHECK_TEXT(buf_text(&asked), "certificate a:443");
    finding.value = 90 * 86400e3;
    alerts_take_finding(place.hub.alerts, &finding, place.now_ms);
    check_told(&place, "-cert/nas/certificate a:443");
    buf_done(&asked);
    end(&place);
}

static void agents_of_users_have_no_rules_on_the_whole_host(void) {
    struct place place;
    struct alerts_node node = {
        .name = "shell", .is_of_user = true, .is_online = true, .joined_ms = 1, .why = ""
    };

    begin(&place, true);
    put_rule(&place, "all", "", "cpu > 50");
    put_rule(&place, "named", "shell", "cpu > 60");
    alerts_put_node(place.hub.alerts, &node, place.now_ms);
    give(&place, "shell", "cpu", 99);
    check_told(&place, "+named/shell/cpu");
    end(&place);
}

static void rules_follow_names_and_tags(void) {
    const char *const tags[] = { "home" };
    struct place place;
    struct alerts_node node = {
        .name = "nas", .is_online = true, .joined_ms = 1, .why = ""
    };

    begin(&place, false);
    put_rule(&place, "home", "@home", "cpu > 50");
    alerts_put_node(place.hub.alerts, &node, place.now_ms);
    give(&place, "nas", "cpu", 99);
    check_told(&place, "");
    node.tags = tags;
    node.tag_count = 1;
    alerts_put_node(place.hub.alerts, &node, place.now_ms);
    give(&place, "nas", "cpu", 99);
    check_told(&place, "+home/nas/cpu");
    alerts_rename_node(place.hub.alerts, "nas", "store");
    give(&place, "store", "cpu", 98);
    check_told(&place, "");
    CHECK_TEXT(first(&place)->node, "store");
    node.name = "store";
    node.tag_count = 0;
    alerts_put_node(place.hub.alerts, &node, place.now_ms);
    check_told(&place, "-home/store/cpu");
    end(&place);
}

static void a_node_that_goes_takes_its_incidents_along(void) {
    struct place place;

    begin(&place, false);
    put_rule(&place, "load", "", "cpu > 50");
    put_node(&place, "nas", true);
    give(&place, "nas", "cpu", 99);
    check_told(&place, "+load/nas/cpu");
    alerts_remove_node(place.hub.alerts, "nas", place.now_ms);
    check_told(&place, "-load/nas/cpu");
    give(&place, "nas", "cpu", 99);
    check_told(&place, "");
    end(&place);
}

static void a_rule_with_another_condition_begins_anew(void) {
    struct place place;

    begin(&place, false);
    put_rule(&place, "load", "", "cpu > 50");
    put_node(&place, "nas", true);
    give(&place, "nas", "cpu", 70);
    check_told(&place, "+load/nas/cpu");
    put_rule(&place, "load", "", "cpu  >  50 %");
    give(&place, "nas", "cpu", 71);
    check_told(&place, "");
    put_rule(&place, "load", "", "cpu > 90");
    check_told(&place, "-load/nas/cpu");
    CHECK(alerts_remove_rule(place.hub.alerts, "load", place.now_ms));
    CHECK(!alerts_remove_rule(place.hub.alerts, "load", place.now_ms));
    end(&place);
}

static void what_is_built_in_can_be_changed_and_set_back(void) {
    struct alerts_defaults defaults;
    struct place place;

    begin(&place, true);
    put_rule(&place, "disk", "", "disk:* > 50");
    CHECK(alerts_find_rule(place.hub.alerts, "disk")->is_built_in);
    judge_testing_flush(&place.hub);
    judge_testing_restart(&place.hub);
    CHECK_TEXT(alerts_find_rule(place.hub.alerts, "disk")->text, "disk:* > 50");
    CHECK(alerts_remove_rule(place.hub.alerts, "disk", place.now_ms));
    CHECK_TEXT(alerts_find_rule(place.hub.alerts, "disk")->text,
               "disk:* > 90 for 10m clear 87");
    judge_testing_flush(&place.hub);
    judge_testing_restart(&place.hub);
    CHECK_TEXT(alerts_find_rule(place.hub.alerts, "disk")->text,
               "disk:* > 90 for 10m clear 87");
    rules_built_in_defaults(&defaults);
    defaults.disk_percent = 80;
    defaults.disk_clear = 75;
    alerts_set_defaults(place.hub.alerts, &defaults);
    CHECK_TEXT(alerts_find_rule(place.hub.alerts, "disk")->text,
               "disk:* > 80 for 10m clear 75");
    end(&place);
}

static void online_and_silent_is_absent(void) {
    struct place place;

    begin(&place, false);
    put_rule(&place, "gone", "", "absent(cpu) for 1m");
    put_node(&place, "nas", true);
    wait(&place, 10 * MINUTE_MS);
    check_told(&place, "+gone/nas/cpu");
    give(&place, "nas", "cpu", 5);
    place.now_ms += MINUTE_MS;
    give(&place, "nas", "cpu", 5);
    place.now_ms += MINUTE_MS;
    give(&place, "nas", "cpu", 5);
    judge_testing_flush(&place.hub);
    CHECK_INT(incidents_open_count(place.hub.incidents), 1);
    for (int i = 0; i < 13; i++) {
        give(&place, "nas", "cpu", 5);
        place.now_ms += 5000;
    }
    check_told(&place, "-gone/nas/cpu");
    end(&place);
}

static void rules_say_how_many_series_they_look_at(void) {
    size_t series, firing;
    struct place place;

    begin(&place, false);
    put_rule(&place, "load", "", "cpu > 50");
    put_node(&place, "nas", true);
    put_node(&place, "pi", true);
    give(&place, "nas", "cpu", 99);
    give(&place, "pi", "cpu", 9);
    alerts_count_series(place.hub.alerts, "load", &series, &firing);
    CHECK_INT(series, 2);
    CHECK_INT(firing, 1);
    CHECK(alerts_is_meant(place.hub.alerts, "load", "pi"));
    CHECK(!alerts_is_meant(place.hub.alerts, "load", "nobody"));
    end(&place);
}

/* More than may be open: the judge goes on, and so do those that are. */
static void too_many_incidents_are_not_opened(void) {
    struct place place;
    char name[16];

    begin(&place, false);
    put_node(&place, "nas", true);
    for (int i = 0; i < 1050; i++) {
        snprintf(name, sizeof(name), "load%d", i);
        put_rule(&place, name, "", "cpu > 50");
    }
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "pi%d", i);
        put_node(&place, name, true);
        give(&place, name, "cpu", 99);
    }
    CHECK_INT(incidents_open_count(place.hub.incidents), INCIDENTS_OPEN_MAX);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "pi%d", i);
        give(&place, name, "cpu", 1);
    }
    CHECK_INT(incidents_open_count(place.hub.incidents), 0);
    end(&place);
}

static void a_batch_that_failed_is_collected_again(void) {
    struct records records = { 0 };
    struct place place;

    begin(&place, false);
    put_rule(&place, "load", "", "cpu > 50");
    alerts_collect(place.hub.alerts, &records);
    CHECK_INT(records.count, 1);
    alerts_settle(place.hub.alerts, false);
    records_done(&records);
    alerts_remove_rule(place.hub.alerts, "load", place.now_ms);
    alerts_collect(place.hub.alerts, &records);
    CHECK_INT(records.count, 1);
    CHECK(records.rows[0].is_removed);
    alerts_settle(place.hub.alerts, false);
    records_done(&records);
    alerts_collect(place.hub.alerts, &records);
    CHECK_INT(records.count, 1);
    alerts_settle(place.hub.alerts, true);
    records_done(&records);
    end(&place);
}

/* What is on the disk may be anything. */
static void damaged_records_are_passed_over(void) {
    static const char state[] = "n\t1\t9\t100\t5000\t0\t0\n"
                                "a\tload\t0\t2\t0\t0\t50\t0\t0\t99\tcpu\n"
                                "f\tload\t50\t60\t1\t0\t0\tcpu\t=cpu\n"
                                "w\tload\t0\tcpu\np\t1\t2\n";
    struct slice bytes = slice_of_text(state);

    for (size_t len = 0; len <= bytes.len; len++) {
        struct place place;
        begin(&place, false);
        put_rule(&place, "load", "", "cpu > 50");
        judge_testing_flush(&place.hub);
        judge_testing_close(&place.hub);
        judge_testing_open(&place.hub);
        put_rule(&place, "load", "", "cpu > 50");
        put_node(&place, "nas", true);
        CHECK(alerts_load(place.hub.alerts, "alerts.node", "nas", slice_of(state, len)));
        CHECK(alerts_load(place.hub.alerts, "alerts.rule", "nas", slice_of(state, len)));
        alerts_start(place.hub.alerts);
        wait(&place, SECOND_MS);
        end(&place);
    }
}

/* A node that is new, in time for what it has to count as found. */
static void join(struct place *place, const char *name) {
    alerts_put_node(place->hub.alerts,
                    &(struct alerts_node) {
                        .name = name,
                        .is_online = true,
                        .since_ms = place->now_ms,
                        .joined_ms = place->now_ms,
                        .why = "",
                    },
                    place->now_ms);
}

/* What a rule finds that was made after the first row is no finding of the join. */
static void a_rule_that_came_after_a_join_tells_by_itself(void) {
    struct place place;

    begin(&place, false);
    put_rule(&place, "early", "", "cpu > 50");
    wait(&place, MINUTE_MS);
    join(&place, "nas");
    give(&place, "nas", "cpu", 99);
    check_told(&place, "+found-at-join/nas/found-at-join");
    wait(&place, 2 * SECOND_MS);
    put_rule(&place, "late", "", "cpu > 60");
    put_rule(&place, "units", "", "unit(*)");
    give(&place, "nas", "cpu", 99);
    find(&place, "nas", "unit shop.service", true);
    check_told(&place, "+late/nas/cpu +units/nas/unit shop.service");
    end(&place);
}

struct sight {
    bool may_see;
};

static bool may_see(void *arg, const struct rule *rule, const char *node) {
    const struct sight *sight = arg;
    return rule->owner[0] == '\0' || sight->may_see;
}

static void a_rule_of_ones_own_follows_what_one_may_see(void) {
    struct place place;
    struct sight sight = { false };
    struct rule *rule = rule_new("mine");
    char *why = NULL;

    begin(&place, false);
    alerts_set_sight(place.hub.alerts, may_see, &sight);
    put_node(&place, "nas", true);
    CHECK_INT(rule_set_condition(rule, "cpu > 50", &why), 0);
    incident_set(&rule->owner, "ada");
    alerts_put_rule(place.hub.alerts, rule);
    give(&place, "nas", "cpu", 99);
    check_told(&place, "");
    sight.may_see = true;
    alerts_look_again(place.hub.alerts, place.now_ms);
    give(&place, "nas", "cpu", 99);
    check_told(&place, "+mine/nas/cpu");
    sight.may_see = false;
    alerts_look_again(place.hub.alerts, place.now_ms);
    check_told(&place, "-mine/nas/cpu");
    alerts_set_sight(place.hub.alerts, NULL, NULL);
    end(&place);
}

TESTS(TEST(a_node_that_is_offline_is_told_after_its_grace),
      TEST(after_a_start_links_have_time_to_come_again),
      TEST(what_goes_on_is_known_after_a_start),
      TEST(many_that_are_lost_together_are_one_incident),
      TEST(stragglers_get_their_own),
      TEST(few_or_a_small_part_are_not_the_uplink),
      TEST(one_that_sleeps_is_nobodys_worry),
      TEST(failed_units_are_told_after_a_while),
      TEST(certificates_are_told_by_how_long_they_last),
      TEST(agents_of_users_have_no_rules_on_the_whole_host),
      TEST(rules_follow_names_and_tags),
      TEST(a_node_that_goes_takes_its_incidents_along),
      TEST(a_rule_with_another_condition_begins_anew),
      TEST(what_is_built_in_can_be_changed_and_set_back),
      TEST(online_and_silent_is_absent),
      TEST(rules_say_how_many_series_they_look_at),
      TEST(too_many_incidents_are_not_opened),
      TEST(a_batch_that_failed_is_collected_again),
      TEST(damaged_records_are_passed_over),
      TEST(a_rule_that_came_after_a_join_tells_by_itself),
      TEST(a_rule_of_ones_own_follows_what_one_may_see))
