#include "hub/alerting/alerts_lookout.h"

#include <stdio.h>
#include <string.h>

#include "alerts/judge/judge_testing.h"
#include "alerts/rules/rule.h"
#include "base/check.h"
#include "hub/link/session.h"
#include "hub/nodes/registry.h"
#include "hub/timekeeper.h"
#include "loop/check_loop.h"
#include "roost/v1/probe.pb-c.h"
#include "roost/v1/units.pb-c.h"
#include "rpc/check_target.h"
#include "wire/pb.h"

enum {
    ROUND_MS = 20,
    HOUR_MS = 3600000,
    CALLS_MAX = 16,
    QUESTIONS_MAX = 50,
    ASKED_MAX = 1000,
};

static const int64_t START_MS = INT64_C(1700000000000);

/* The clock is the test's. */
struct timekeeper {
    int64_t now_ms;
};

int64_t timekeeper_now_ms(const struct timekeeper *timekeeper) {
    return timekeeper->now_ms;
}

/* A node, as its link shows it. */
struct session {
    struct check_target target;
    struct place *place;     /* borrowed: the test */
    enum grpc_status status; /* of every answer */
    const char *refused;     /* the only target that has that status; NULL: all have */
    const char *units[3];    /* those that failed; NULL: no more of them */
    const char *result;      /* of each of them; NULL: it runs again */
    const char *error;       /* of a probe; "": it is well */
    unsigned http_status;
    int days_left;      /* of the certificate; -1: none was seen */
    bool answers_pings; /* else they are lost */
    bool is_mute;
    char asked[ASKED_MAX][40]; /* "Tcp web:80" */
    size_t count;
    size_t open_most;
};

struct target *session_target(struct session *session) {
    return &session->target.target;
}

struct place {
    struct loop *loop;
    struct registry *registry;
    struct timekeeper timekeeper;
    struct judge_testing hub;
    struct alerts_lookout *lookout;
    struct session pi, marker;
    size_t wanted;
};

/* --- what a node answers --- */

static void note(struct session *session, const char *method, const char *object) {
    CHECK(session->count < ASKED_MAX);
    snprintf(session->asked[session->count++], sizeof(session->asked[0]), "%s %s", method,
             object);
}

static bool is_refused(const struct session *session) {
    return session->status != GRPC_OK &&
           (!session->refused ||
            strcmp(session->asked[session->count - 1], session->refused) == 0);
}

static void answer_units(struct session *session, struct check_call *held) {
    Roost__V1__ListUnitsResponse response = ROOST__V1__LIST_UNITS_RESPONSE__INIT;
    Roost__V1__Unit rows[3];
    Roost__V1__Unit *pointers[3];

    for (size_t i = 0; i < 3 && session->units[i]; i++) {
        roost__v1__unit__init(&rows[i]);
        rows[i].name = pb_lend(session->units[i]);
        rows[i].description = "A web server";
        pointers[response.n_units++] = &rows[i];
    }
    response.units = pointers;
    check_target_reply(held, &response.base);
}

static void answer_unit(struct session *session, struct check_call *held) {
    Roost__V1__Unit unit = ROOST__V1__UNIT__INIT;

    unit.active_state = pb_lend(session->result ? "failed" : "active");
    if (session->result)
        unit.result = pb_lend(session->result);
    unit.exit_code_known_case = ROOST__V1__UNIT__EXIT_CODE_KNOWN_EXIT_CODE;
    unit.exit_code = 3;
    unit.exit_signal_known_case = ROOST__V1__UNIT__EXIT_SIGNAL_KNOWN_EXIT_SIGNAL;
    unit.exit_signal = 11;
    check_target_reply(held, &unit.base);
}

static void answer_tcp(struct session *session, struct check_call *held) {
    Roost__V1__TcpProbeResponse response = ROOST__V1__TCP_PROBE_RESPONSE__INIT;

    response.ok = session->error[0] == '\0';
    response.error = pb_lend(session->error);
    check_target_reply(held, &response.base);
}

static void answer_http(struct session *session, struct check_call *held) {
    Roost__V1__HttpProbeResponse response = ROOST__V1__HTTP_PROBE_RESPONSE__INIT;
    Roost__V1__Certificate certificate = ROOST__V1__CERTIFICATE__INIT;

    response.ok = session->error[0] == '\0' && session->http_status < 400;
    response.error = pb_lend(session->error);
    response.status = session->http_status;
    certificate.days_left = session->days_left;
    certificate.subject = "CN=web";
    if (session->days_left >= 0)
        response.certificate = &certificate;
    check_target_reply(held, &response.base);
}

static void answer_ping(struct session *session, struct check_call *held) {
    Roost__V1__PingReport report = ROOST__V1__PING_REPORT__INIT;

    report.sent = 3;
    report.received = session->answers_pings ? 2 : 0;
    check_target_send(held, &report.base);
    check_target_end(held, GRPC_OK, NULL);
}

static void on_units_asked(struct session *session, struct check_call *held) {
    Roost__V1__ListUnitsRequest *request =
        (Roost__V1__ListUnitsRequest *)check_target_read(
            held, &roost__v1__list_units_request__descriptor);

    note(session, "List", request->active_state);
    pb_free(&request->base);
}

static void on_unit_asked(struct session *session, struct check_call *held) {
    Roost__V1__GetUnitRequest *request = (Roost__V1__GetUnitRequest *)check_target_read(
        held, &roost__v1__get_unit_request__descriptor);

    note(session, "Get", request->name);
    pb_free(&request->base);
}

static void on_tcp_asked(struct session *session, struct check_call *held) {
    Roost__V1__TcpProbeRequest *request = (Roost__V1__TcpProbeRequest *)check_target_read(
        held, &roost__v1__tcp_probe_request__descriptor);
    auto_(mem_freep) char *place = mem_printf("%s|%u", request->host, request->port);

    note(session, "Tcp", place);
    pb_free(&request->base);
}

static void on_http_asked(struct session *session, struct check_call *held) {
    Roost__V1__HttpProbeRequest *request =
        (Roost__V1__HttpProbeRequest *)check_target_read(
            held, &roost__v1__http_probe_request__descriptor);

    note(session, request->method[0] ? request->method : "GET", request->url);
    pb_free(&request->base);
}

static void on_ping_asked(struct session *session, struct check_call *held) {
    Roost__V1__PingRequest *request = (Roost__V1__PingRequest *)check_target_read(
        held, &roost__v1__ping_request__descriptor);

    note(session, "Ping", request->host);
    pb_free(&request->base);
}

static const struct {
    const char *method;
    void (*note)(struct session *session, struct check_call *held);
    void (*answer)(struct session *session, struct check_call *held);
} methods[] = {
    { "/roost.v1.Units/List", on_units_asked, answer_units },
    { "/roost.v1.Units/Get", on_unit_asked, answer_unit },
    { "/roost.v1.Probe/Tcp", on_tcp_asked, answer_tcp },
    { "/roost.v1.Probe/Http", on_http_asked, answer_http },
    { "/roost.v1.Probe/Ping", on_ping_asked, answer_ping },
};

enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

static void on_request(struct check_target *target, struct check_call *held) {
    struct session *session = target->arg;
    size_t i = 0;

    while (i < METHODS && strcmp(methods[i].method, held->call->method) != 0)
        i++;
    CHECK(i < METHODS);
    CHECK_TEXT(headers_get(&held->call->metadata, "roost-user"), "roost");
    CHECK_TEXT(headers_get(&held->call->metadata, "roost-role"), "operator");
    if (target->open > session->open_most)
        session->open_most = target->open;
    methods[i].note(session, held);
    if (is_refused(session))
        check_target_end(held, session->status, "no");
    else if (!session->is_mute)
        methods[i].answer(session, held);
}

/* --- the place --- */

static void save_node(void *arg, const struct node *node) {
}

static void remove_name(void *arg, const char *name) {
}

static void rename_node(void *arg, const char *from, const char *to) {
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

static struct node *add_node(struct place *place,
                             const char *name,
                             struct session *session) {
    struct node *node = registry_add(place->registry, name);

    *session = (struct session) {
        .place = place, .result = "exit-code", .error = "", .http_status = 200
    };
    check_target_init(&session->target, on_request, session);
    node->session = session;
    node->generation = 1;
    judge_testing_put_node(&place->hub, name, 1);
    return node;
}

/* The clock goes on with each look, until the first rounds of both nodes are over. */
static bool has_begun(void *arg) {
    struct place *place = arg;

    place->timekeeper.now_ms++;
    return place->marker.count > 0 && place->timekeeper.now_ms >= START_MS + 2 * ROUND_MS;
}

/* "pi" is watched; "marker" has a rule of its own, so that rounds are seen to go by. */
static void place_init(struct place *place) {
    const struct registry_keeper nodes = { save_node, remove_name, rename_node, NULL };

    *place = (struct place) { .loop = loop_new(), .timekeeper.now_ms = START_MS };
    place->registry = registry_new(&nodes);
    judge_testing_init(&place->hub, NULL, NULL);
    add_node(place, "pi", &place->pi);
    add_node(place, "marker", &place->marker);
    place->marker.answers_pings = true;
    put_rule(place, "mark", "marker", "probe(ping mark)");
    const struct alerts_lookout_config config = {
        .loop = place->loop,
        .registry = place->registry,
        .alerts = place->hub.alerts,
        .timekeeper = &place->timekeeper,
        .round_ms = ROUND_MS,
    };
    place->lookout = alerts_lookout_new(&config);
    check_loop_until(place->loop, has_begun, place);
    loop_settle(place->loop);
}

static void place_done(struct place *place) {
    struct node *node;
    size_t at = 0;

    alerts_lookout_free(place->lookout);
    loop_settle(place->loop);
    CHECK_INT(place->pi.target.open, 0);
    while ((node = registry_next(place->registry, &at)))
        node->session = NULL;
    judge_testing_done(&place->hub);
    registry_free(place->registry);
    loop_free(place->loop);
}

static bool is_marked(void *arg) {
    const struct place *place = arg;
    return place->marker.count >= place->wanted &&
           (place->pi.is_mute || place->pi.target.open == 0);
}

/* The clock goes on by so much, and every node has one round behind it. */
static void go(struct place *place, int64_t ms) {
    place->wanted = place->marker.count + 1;
    place->timekeeper.now_ms += ms;
    check_loop_until(place->loop, is_marked, place);
    loop_settle(place->loop);
}

static void go_rounds(struct place *place, size_t count) {
    for (size_t i = 0; i < count; i++)
        go(place, ROUND_MS);
}

static size_t count_asked(const struct place *place, const char *what) {
    size_t count = 0;

    for (size_t i = 0; i < place->pi.count; i++)
        count += strcmp(place->pi.asked[i], what) == 0;
    return count;
}

static struct incident *find(struct place *place, const char *rule, const char *series) {
    return incidents_find(place->hub.incidents, rule, "pi", series);
}

/* --- units --- */

static void a_unit_that_fails_is_an_incident_until_it_is_well(void) {
    struct place place;

    place_init(&place);
    put_rule(&place, "units", "pi", "unit(nginx*)");
    put_rule(&place, "more", "pi", "unit(*)");
    go_rounds(&place, 2);
    CHECK_INT(place.pi.count, 2); /* one question for both rules */
    CHECK_TEXT(place.pi.asked[0], "List failed");
    CHECK_INT(incidents_open_count(place.hub.incidents), 0);

    place.pi.units[0] = "nginx.service";
    place.pi.units[1] = "cups.service";
    go_rounds(&place, 1);
    CHECK_INT(incidents_open_count(place.hub.incidents), 3);
    const struct incident *incident = find(&place, "units", "unit nginx.service");
    CHECK(incident);
    CHECK_TEXT(incident->text, "unit nginx.service has failed: exit code 3");
    CHECK(find(&place, "more", "unit cups.service"));

    place.pi.units[0] = "cups.service";
    place.pi.units[1] = NULL;
    go_rounds(&place, 1);
    CHECK(!find(&place, "units", "unit nginx.service"));
    CHECK_INT(incidents_open_count(place.hub.incidents), 1);
    place.pi.units[0] = NULL;
    go_rounds(&place, 1);
    CHECK_INT(incidents_open_count(place.hub.incidents), 0);
    place_done(&place);
}

static void a_unit_is_told_with_its_reason(void) {
    static const struct {
        const char *result, *text;
    } rows[] = {
        { "exit-code", "unit nginx.service has failed: exit code 3" },
        { "signal", "unit nginx.service has failed: signal 11" },
        { "core-dump", "unit nginx.service has failed: core-dump 11" },
        { "timeout", "unit nginx.service has failed: timeout" },
        { "start-limit-hit", "unit nginx.service has failed: start-limit-hit" },
        { "success", "unit nginx.service has failed: A web server" },
        { "", "unit nginx.service has failed: A web server" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct place place;
        place_init(&place);
        put_rule(&place, "units", "pi", "unit(*)");
        place.pi.units[0] = "nginx.service";
        place.pi.result = rows[i].result;
        go_rounds(&place, 1);
        CHECK_TEXT(find(&place, "units", "unit nginx.service")->text, rows[i].text);
        place_done(&place);
    }
}

static void a_unit_that_does_not_say_why_is_told_all_the_same(void) {
    struct place place;

    place_init(&place);
    put_rule(&place, "units", "pi", "unit(*)");
    place.pi.units[0] = "nginx.service";
    place.pi.status = GRPC_PERMISSION_DENIED;
    place.pi.refused = "Get nginx.service";
    go_rounds(&place, 5);
    CHECK_TEXT(find(&place, "units", "unit nginx.service")->text,
               "unit nginx.service has failed: A web server");
    CHECK_INT(count_asked(&place, "List failed"), 5); /* which it does not refuse */
    place_done(&place);
}

static void a_unit_that_was_started_meanwhile_is_well(void) {
    struct place place;

    place_init(&place);
    put_rule(&place, "units", "pi", "unit(*)");
    place.pi.units[0] = "nginx.service";
    place.pi.result = NULL;
    go_rounds(&place, 2);
    CHECK_INT(incidents_open_count(place.hub.incidents), 0);
    CHECK_INT(count_asked(&place, "Get nginx.service"), 2);
    place_done(&place);
}

/* --- nodes that say no --- */

static void a_node_that_refuses_is_left_alone_for_its_hour(void) {
    static const enum grpc_status refusals[] = { GRPC_PERMISSION_DENIED,
                                                 GRPC_UNIMPLEMENTED,
                                                 GRPC_FAILED_PRECONDITION };
    for (size_t i = 0; i < 3; i++) {
        struct place place;
        place_init(&place);
        put_rule(&place, "units", "pi", "unit(*)");
        place.pi.status = refusals[i];
        go_rounds(&place, 20);
        CHECK_INT(place.pi.count, 1);
        CHECK_INT(incidents_open_count(place.hub.incidents), 0);
        go(&place, HOUR_MS - 21 * ROUND_MS);
        CHECK_INT(place.pi.count, 1);
        place.pi.status = GRPC_OK;
        place.pi.units[0] = "nginx.service";
        go(&place, 3 * ROUND_MS);
        go_rounds(&place, 3);
        CHECK(place.pi.count > 1);
        CHECK_INT(incidents_open_count(place.hub.incidents), 1);
        place_done(&place);
    }
}

static void another_link_is_asked_at_once(void) {
    struct place place;

    place_init(&place);
    put_rule(&place, "units", "pi", "unit(*)");
    place.pi.status = GRPC_PERMISSION_DENIED;
    go_rounds(&place, 5);
    CHECK_INT(place.pi.count, 1);
    registry_find(place.registry, "pi")->generation++;
    go_rounds(&place, 2);
    CHECK_INT(place.pi.count, 2);
    place_done(&place);
}

static void trouble_on_the_way_is_no_refusal(void) {
    static const enum grpc_status troubles[] = { GRPC_UNAVAILABLE, GRPC_DEADLINE_EXCEEDED,
                                                 GRPC_INTERNAL, GRPC_RESOURCE_EXHAUSTED,
                                                 GRPC_UNKNOWN };
    struct place place;

    place_init(&place);
    put_rule(&place, "web", "pi", "probe(tcp web:80)");
    place.pi.error = "connection refused";
    go_rounds(&place, 2);
    CHECK_INT(incidents_open_count(place.hub.incidents), 1);
    for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
        size_t before = place.pi.count;
        place.pi.status = troubles[i];
        go_rounds(&place, 2);
        CHECK_INT(place.pi.count, before + 2); /* it is asked again */
        CHECK_INT(incidents_open_count(place.hub.incidents), 1);
    }
    place_done(&place);
}

static void a_refused_target_does_not_blind_to_others(void) {
    struct place place;

    place_init(&place);
    put_rule(&place, "db", "pi", "probe(tcp db:5432)");
    put_rule(&place, "web", "pi", "probe(tcp web:80)");
    place.pi.status = GRPC_PERMISSION_DENIED;
    place.pi.refused = "Tcp db|5432";
    go_rounds(&place, 10);
    CHECK_INT(count_asked(&place, "Tcp db|5432"), 1);
    CHECK_INT(count_asked(&place, "Tcp web|80"), 10);
    place.pi.error = "connection refused";
    go_rounds(&place, 1);
    CHECK(find(&place, "web", "probe tcp web:80"));
    place.pi.error = "";
    go_rounds(&place, 1);
    CHECK(!find(&place, "web", "probe tcp web:80"));
    place_done(&place);
}

/* --- probes --- */

static void a_probe_that_fails_is_an_incident_and_recovers(void) {
    static const struct {
        const char *condition, *series, *asked;
    } rows[] = {
        { "probe(tcp web:80)", "probe tcp web:80", "Tcp web|80" },
        { "probe(tcp [::1]:22)", "probe tcp [::1]:22", "Tcp ::1|22" },
        { "probe(http https://web/x)", "probe http https://web/x", "GET https://web/x" },
        { "probe(ping web)", "probe ping web", "Ping web" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct place place;
        place_init(&place);
        place.pi.days_left = -1;
        place.pi.answers_pings = true;
        put_rule(&place, "reach", "pi", rows[i].condition);
        go_rounds(&place, 2);
        CHECK_TEXT(place.pi.asked[0], rows[i].asked);
        CHECK_INT(incidents_open_count(place.hub.incidents), 0);
        for (int again = 0; again < 2; again++) {
            place.pi.error = "connection refused";
            place.pi.answers_pings = false;
            go_rounds(&place, 2);
            const struct incident *incident = find(&place, "reach", rows[i].series);
            CHECK(incident);
            CHECK(strstr(incident->text, i == 3 ? "no answer" : "connection refused"));
            place.pi.error = "";
            place.pi.answers_pings = true;
            go_rounds(&place, 1);
            CHECK(!find(&place, "reach", rows[i].series));
        }
        place_done(&place);
    }
}

static void a_page_that_is_an_error_says_its_number(void) {
    struct place place;

    place_init(&place);
    place.pi.days_left = -1;
    place.pi.http_status = 503;
    put_rule(&place, "page", "pi", "probe(http http://web/)");
    go_rounds(&place, 2);
    const struct incident *incident = find(&place, "page", "probe http http://web/");
    CHECK(incident);
    CHECK(strstr(incident->text, "it answers 503"));
    place_done(&place);
}

/* --- certificates --- */

static void a_certificate_is_looked_at_once_an_hour(void) {
    struct place place;

    place_init(&place);
    put_rule(&place, "cert", "pi", "certificate(web:443) < 14d");
    place.pi.days_left = 30;
    go_rounds(&place, 10);
    CHECK_INT(count_asked(&place, "HEAD https://web:443/"), 1);
    CHECK_INT(incidents_open_count(place.hub.incidents), 0);

    /* A new rule does not wait for the hour of another. */
    put_rule(&place, "cert2", "pi", "certificate(api:443) < 14d");
    place.pi.days_left = 3;
    go_rounds(&place, 3);
    CHECK_INT(count_asked(&place, "HEAD https://api:443/"), 1);
    CHECK(find(&place, "cert2", "certificate api:443"));
    CHECK(!find(&place, "cert", "certificate web:443"));

    go(&place, HOUR_MS);
    go_rounds(&place, 1);
    CHECK_INT(count_asked(&place, "HEAD https://web:443/"), 2);
    CHECK(find(&place, "cert", "certificate web:443"));
    place.pi.days_left = 90;
    go(&place, HOUR_MS);
    go_rounds(&place, 1);
    CHECK_INT(incidents_open_count(place.hub.incidents), 0);
    place_done(&place);
}

static void a_host_without_a_certificate_says_nothing_of_it(void) {
    struct place place;

    place_init(&place);
    put_rule(&place, "cert", "pi", "certificate(web:443) < 14d");
    place.pi.days_left = -1;
    place.pi.error = "connection refused";
    go_rounds(&place, 3);
    CHECK_INT(incidents_open_count(place.hub.incidents), 0);
    place_done(&place);
}

/* --- limits --- */

static void many_questions_have_their_turn(void) {
    enum { MANY = QUESTIONS_MAX + 30 };
    struct place place;
    char name[16];

    place_init(&place);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "r%d", i);
        auto_(mem_freep) char *text = mem_printf("probe(tcp host%d:22)", i);
        put_rule(&place, name, "pi", text);
    }
    place.pi.error = "connection refused";
    go_rounds(&place, 1);
    CHECK_INT(place.pi.count, QUESTIONS_MAX);
    CHECK(place.pi.open_most <= CALLS_MAX);
    go_rounds(&place, 1);
    CHECK_INT(place.pi.count, 2 * QUESTIONS_MAX);
    CHECK_INT(incidents_open_count(place.hub.incidents), MANY);
    go_rounds(&place, 14);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "Tcp host%d|22", i);
        CHECK_INT(count_asked(&place, name), 10); /* of 16 rounds: 800 questions */
    }
    place_done(&place);
}

static bool is_full(void *arg) {
    const struct place *place = arg;
    return place->pi.count == CALLS_MAX;
}

static void sixteen_are_asked_at_once_and_are_let_go_at_the_end(void) {
    struct place place;

    place_init(&place);
    registry_find(place.registry, "marker")->session = NULL;
    for (int i = 0; i < 2 * CALLS_MAX; i++) {
        auto_(mem_freep) char *name = mem_printf("r%d", i);
        auto_(mem_freep) char *text = mem_printf("probe(tcp host%d:22)", i);
        put_rule(&place, name, "pi", text);
    }
    place.pi.is_mute = true;
    place.timekeeper.now_ms += ROUND_MS;
    check_loop_until(place.loop, is_full, &place);
    loop_settle(place.loop);
    CHECK_INT(place.pi.count, CALLS_MAX);
    place_done(&place);
    CHECK_INT(place.pi.target.lost, CALLS_MAX);
}

/* --- nodes and clocks --- */

static void a_node_that_is_away_or_nobodys_is_not_asked(void) {
    struct place place;

    place_init(&place);
    put_rule(&place, "units", "pi", "unit(*)");
    struct node *node = registry_find(place.registry, "pi");
    node->session = NULL;
    go_rounds(&place, 3);
    CHECK_INT(place.pi.count, 0);
    node->session = &place.pi;
    node->anonymous = true;
    go_rounds(&place, 3);
    CHECK_INT(place.pi.count, 0);
    node->anonymous = false;
    go_rounds(&place, 2);
    CHECK(place.pi.count > 0);
    node->session = NULL;
    registry_remove(place.registry, node);
    size_t before = place.pi.count;
    go_rounds(&place, 3);
    CHECK_INT(place.pi.count, before);
    place_done(&place);
}

static void a_clock_that_is_set_back_keeps_nobody_waiting(void) {
    struct place place;

    place_init(&place);
    put_rule(&place, "units", "pi", "unit(*)");
    place.pi.status = GRPC_PERMISSION_DENIED;
    go_rounds(&place, 2);
    CHECK_INT(place.pi.count, 1);
    place.pi.status = GRPC_OK;
    go(&place, -INT64_C(10) * 24 * HOUR_MS);
    go_rounds(&place, 2);
    CHECK(place.pi.count > 1);
    place_done(&place);
}

TESTS(TEST(a_unit_that_fails_is_an_incident_until_it_is_well),
      TEST(a_unit_is_told_with_its_reason),
      TEST(a_unit_that_does_not_say_why_is_told_all_the_same),
      TEST(a_unit_that_was_started_meanwhile_is_well),
      TEST(a_node_that_refuses_is_left_alone_for_its_hour),
      TEST(another_link_is_asked_at_once),
      TEST(trouble_on_the_way_is_no_refusal),
      TEST(a_refused_target_does_not_blind_to_others),
      TEST(a_probe_that_fails_is_an_incident_and_recovers),
      TEST(a_page_that_is_an_error_says_its_number),
      TEST(a_certificate_is_looked_at_once_an_hour),
      TEST(a_host_without_a_certificate_says_nothing_of_it),
      TEST(many_questions_have_their_turn),
      TEST(sixteen_are_asked_at_once_and_are_let_go_at_the_end),
      TEST(a_node_that_is_away_or_nobodys_is_not_asked),
      TEST(a_clock_that_is_set_back_keeps_nobody_waiting))
