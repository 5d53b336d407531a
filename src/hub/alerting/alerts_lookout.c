#include "hub/alerting/alerts_lookout.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/judge/alerts.h"
#include "base/buf.h"
#include "base/checksum.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "hub/link/session.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/timekeeper.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "roost/v1/probe.pb-c.h"
#include "roost/v1/units.pb-c.h"
#include "rpc/client.h"
#include "wire/pb.h"

enum {
    ROUND_MS = 60000,
    TICK_MS = 1000,
    CALLS_MAX = 16,     /* at the same time */
    QUESTIONS_MAX = 50, /* of one node and round; the others have theirs in the next */
    QUEUE_MAX = 5000,   /* that wait; more come with the next round */
    CALL_MS = 15000,    /* a name server may be slow */
    REST_MS = 3600000,  /* what a node says no to is not asked of it again */
    RESTS_MAX = 1000,   /* of one node: those of rules that went do not pile up */
    CERTIFICATE_MS = 3600000,
    REASONS_MAX = 20, /* failed units of one answer that are asked why */
    PINGS = 3,
    DAY_MS = 86400000,
};

/* What is asked of a node, a kind each; UNIT: why one that has failed did. */
enum subject { UNITS, UNIT, PROBES, CERTIFICATES };

struct place {
    char *name; /* owned */
    uint64_t generation;
    int64_t next_ms;   /* its next round */
    size_t from;       /* where that begins in the list of questions */
    struct map *rests; /* owned; of struct rest: by key_of() the question */
};

/* What is not asked until then. */
struct rest {
    int64_t until_ms;
};

struct alerts_lookout {
    struct alerts_lookout_config config;
    struct timer tick;
    struct map *places; /* owned; by node */
    struct list queue;
    struct list calls;
    size_t queued, called;
};

struct question {
    struct list in_list;
    struct alerts_lookout *lookout; /* borrowed: owns us */
    struct client_call *call;       /* owned; NULL while it waits */
    struct session *session;        /* borrowed: the node's, while it is asked */
    enum subject subject;
    char *node;      /* owned */
    char *series;    /* owned; of UNITS a pattern of theirs */
    char *text;      /* owned; of UNIT what is said if it tells no reason; or NULL */
    bool has_answer; /* a ping came back */
};

static int64_t now_ms(const struct alerts_lookout *lookout) {
    return timekeeper_now_ms(lookout->config.timekeeper);
}

static enum subject subject_of(const char *series) {
    if (strncmp(series, "unit ", 5) == 0)
        return UNITS;
    return strncmp(series, "probe ", 6) == 0 ? PROBES : CERTIFICATES;
}

/* What is one question: one answer has all units. */
static const char *key_of(const char *series) {
    return subject_of(series) == UNITS ? "unit" : series;
}

static void forget_rests(struct place *place) {
    struct rest *rest;
    size_t at = 0;

    while ((rest = map_next(place->rests, &at, NULL)))
        free(rest);
    map_free(place->rests);
    place->rests = map_new();
}

static void rest(struct place *place, const char *series, int64_t until_ms) {
    struct rest *rest = mem_new(sizeof(*rest));

    if (map_count(place->rests) >= RESTS_MAX)
        forget_rests(place);
    rest->until_ms = until_ms;
    free(map_put(place->rests, key_of(series), rest));
}

/* A rest that is longer than any: the clock was set back. */
static bool is_resting(const struct place *place, const char *series, int64_t at_ms) {
    const struct rest *rest = map_get(place->rests, key_of(series));
    return rest && rest->until_ms > at_ms && rest->until_ms <= at_ms + REST_MS;
}

static void ask_next(struct alerts_lookout *lookout);

static void question_free(struct question *question) {
    struct alerts_lookout *lookout = question->lookout;

    if (question->call)
        lookout->called--;
    else
        lookout->queued--;
    list_remove(&question->in_list);
    client_cancel(question->call);
    free(question->node);
    free(question->series);
    free(question->text);
    free(question);
}

/* Its call is over; the next may begin. */
static void close_question(struct question *question) {
    struct alerts_lookout *lookout = question->lookout;

    question->call = NULL;
    lookout->called--;
    lookout->queued++; /* question_free() takes it off there */
    question_free(question);
    ask_next(lookout);
}

static void tell(const struct question *question,
                 const char *series,
                 bool is_bad,
                 double value,
                 const char *text) {
    const struct alerts_finding finding = {
        .node = question->node,
        .series = series,
        .is_bad = is_bad,
        .value = value,
        .text = text,
    };

    alerts_take_finding(question->lookout->config.alerts, &finding,
                        now_ms(question->lookout));
}

/* Its policy or its version may say no: then it is left alone with this question. The
 * policy says so of one target, and yes to another. */
static void note_refusal(const struct question *question, enum grpc_status status) {
    struct place *place = map_get(question->lookout->places, question->node);

    if (place && (status == GRPC_PERMISSION_DENIED || status == GRPC_UNIMPLEMENTED ||
                  status == GRPC_FAILED_PRECONDITION))
        rest(place, question->series, now_ms(question->lookout) + REST_MS);
}

/* --- units --- */

/* Those that were bad and are not in the answer. */
struct recovery {
    const Roost__V1__ListUnitsResponse *response;
    struct buf names; /* each ends with a NUL */
};

static void note_recovered(void *arg, const char *series) {
    struct recovery *recovery = arg;

    if (strncmp(series, "unit ", 5) != 0)
        return;
    for (size_t i = 0; i < recovery->response->n_units; i++)
        if (strcmp(recovery->response->units[i]->name, series + 5) == 0)
            return;
    buf_add(&recovery->names, series, strlen(series) + 1);
}

static void put_question(struct alerts_lookout *lookout,
                         const char *node,
                         enum subject subject,
                         const char *series,
                         const char *text) {
    struct question *question = mem_new(sizeof(*question));

    question->lookout = lookout;
    question->subject = subject;
    question->node = mem_strdup(node);
    question->series = mem_strdup(series);
    question->text = mem_strdup(text);
    list_add_tail(&lookout->queue, &question->in_list);
    lookout->queued++;
}

/* "exit code 3", "signal 9", "timeout"; or what was known before. */
static char *print_reason(const Roost__V1__Unit *unit, const char *text) {
    if (unit->exit_code_known_case == ROOST__V1__UNIT__EXIT_CODE_KNOWN_EXIT_CODE &&
        strcmp(unit->result, "exit-code") == 0)
        return mem_printf("exit code %d", unit->exit_code);
    if (unit->exit_signal_known_case == ROOST__V1__UNIT__EXIT_SIGNAL_KNOWN_EXIT_SIGNAL &&
        (strcmp(unit->result, "signal") == 0 || strcmp(unit->result, "core-dump") == 0))
        return mem_printf("%s %u", unit->result, unit->exit_signal);
    bool has_result = unit->result[0] && strcmp(unit->result, "success") != 0;
    return mem_strdup(has_result ? unit->result : text);
}

static void on_unit(void *user,
                    enum grpc_status status,
                    const char *message,
                    const ProtobufCMessage *reply) {
    const Roost__V1__Unit *unit = (const Roost__V1__Unit *)reply;
    struct question *question = user;
    auto_(mem_freep) char *why = NULL;

    if (status == GRPC_OK && strcmp(unit->active_state, "failed") != 0) {
        tell(question, question->series, false, 0, ""); /* it runs again already */
    } else {
        why = status == GRPC_OK ? print_reason(unit, question->text) : NULL;
        tell(question, question->series, true, 0, why ? why : question->text);
    }
    close_question(question);
}

/* A unit that failed is told with its reason, if there is room to ask for it. */
static void take_failed(struct question *question,
                        const Roost__V1__Unit *unit,
                        bool has_room) {
    auto_(mem_freep) char *series = mem_printf("unit %s", unit->name);
    struct alerts_lookout *lookout = question->lookout;

    if (has_room && lookout->queued < QUEUE_MAX)
        put_question(lookout, question->node, UNIT, series, unit->description);
    else
        tell(question, series, true, 0, unit->description);
}

static void take_units(struct question *question,
                       const Roost__V1__ListUnitsResponse *response) {
    struct recovery recovery = { .response = response };

    alerts_each_finding(question->lookout->config.alerts, question->node, note_recovered,
                        &recovery);
    for (size_t at = 0; at < recovery.names.len;) {
        const char *series = (const char *)recovery.names.data + at;
        tell(question, series, false, 0, "");
        at += strlen(series) + 1;
    }
    buf_done(&recovery.names);
    for (size_t i = 0; i < response->n_units; i++)
        take_failed(question, response->units[i], i < REASONS_MAX);
}

static void on_units(void *user,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    struct question *question = user;

    if (status == GRPC_OK)
        take_units(question, (const Roost__V1__ListUnitsResponse *)reply);
    else
        note_refusal(question, status);
    close_question(question);
}

/* --- probes --- */

/* A probe that the node could not make says nothing of its target. */
static void take_probe(struct question *question,
                       enum grpc_status status,
                       bool is_ok,
                       const char *why) {
    if (status == GRPC_OK)
        tell(question, question->series, !is_ok, 0, is_ok ? "" : why);
    else
        note_refusal(question, status);
}

static void on_tcp(void *user,
                   enum grpc_status status,
                   const char *message,
                   const ProtobufCMessage *reply) {
    const Roost__V1__TcpProbeResponse *response =
        (const Roost__V1__TcpProbeResponse *)reply;

    take_probe(user, status, response && response->ok, response ? response->error : "");
    close_question(user);
}

static void on_http(void *user,
                    enum grpc_status status,
                    const char *message,
                    const ProtobufCMessage *reply) {
    const Roost__V1__HttpProbeResponse *response =
        (const Roost__V1__HttpProbeResponse *)reply;
    auto_(mem_freep) char *why = NULL;

    if (response && response->error[0] == '\0')
        why = mem_printf("it answers %u", response->status);
    take_probe(user, status, response && response->ok,
               why        ? why
               : response ? response->error
                          : "");
    close_question(user);
}

static void on_certificate(void *user,
                           enum grpc_status status,
                           const char *message,
                           const ProtobufCMessage *reply) {
    const Roost__V1__HttpProbeResponse *response =
        (const Roost__V1__HttpProbeResponse *)reply;
    struct question *question = user;

    if (response && response->certificate)
        tell(question, question->series, false,
             response->certificate->days_left * (double)DAY_MS,
             response->certificate->subject);
    else
        note_refusal(question, status);
    close_question(question);
}

static void on_ping(void *user, struct slice message) {
    struct question *question = user;
    ProtobufCMessage *report;

    if (pb_unpack(&roost__v1__ping_report__descriptor, message, &report) != 0)
        return;
    question->has_answer |= ((const Roost__V1__PingReport *)report)->received > 0 ||
                            ((const Roost__V1__PingReport *)report)->rtt_ms_known_case ==
                                ROOST__V1__PING_REPORT__RTT_MS_KNOWN_RTT_MS;
    pb_free(report);
}

static void on_pinged(void *user,
                      enum grpc_status status,
                      const char *message,
                      const struct headers *trailers) {
    struct question *question = user;

    take_probe(question, status, question->has_answer, "no answer");
    close_question(question);
}

/* --- asking --- */

static struct client_call *call(struct question *question,
                                const char *method,
                                const ProtobufCMessage *request,
                                const ProtobufCMessageDescriptor *reply_type,
                                client_reply_fn *on_reply) {
    static const struct client_events pings = {
        .on_message = on_ping,
        .on_done = on_pinged,
    };
    const struct alerts_lookout_config *config = &question->lookout->config;
    struct headers metadata;

    headers_init(&metadata);
    headers_add(&metadata, "roost-user", "roost");
    headers_add(&metadata, "roost-role", "operator");
    const struct client_request details = {
        .method = method,
        .metadata = &metadata,
        .timeout_ms = CALL_MS,
    };
    struct target *target = session_target(question->session);
    struct client_call *made;
    if (on_reply) {
        made = client_unary(config->loop, target, &details, request, reply_type, on_reply,
                            question);
    } else {
        made = client_start(config->loop, target, &details, &pings, question);
        client_send(made, request);
        client_end(made);
    }
    headers_done(&metadata);
    return made;
}

static struct client_call *ask_units(struct question *question) {
    Roost__V1__ListUnitsRequest request = ROOST__V1__LIST_UNITS_REQUEST__INIT;

    request.active_state = "failed";
    return call(question, "/roost.v1.Units/List", &request.base,
                &roost__v1__list_units_response__descriptor, on_units);
}

static struct client_call *ask_unit(struct question *question) {
    Roost__V1__GetUnitRequest request = ROOST__V1__GET_UNIT_REQUEST__INIT;

    request.name = question->series + strlen("unit ");
    return call(question, "/roost.v1.Units/Get", &request.base,
                &roost__v1__unit__descriptor, on_unit);
}

/* "host:22", "[::1]:22" */
static struct client_call *ask_tcp(struct question *question, const char *target) {
    Roost__V1__TcpProbeRequest request = ROOST__V1__TCP_PROBE_REQUEST__INIT;
    const char *colon = strrchr(target, ':');
    bool is_bracketed = target[0] == '[' && colon > target + 1;
    size_t len = (size_t)(colon - target);
    auto_(mem_freep) char *host =
        is_bracketed ? mem_dup(target + 1, len - 2) : mem_dup(target, len);

    request.host = host;
    request.port = (uint32_t)strtoul(colon + 1, NULL, 10);
    return call(question, "/roost.v1.Probe/Tcp", &request.base,
                &roost__v1__tcp_probe_response__descriptor, on_tcp);
}

static struct client_call *ask_http(struct question *question,
                                    const char *url,
                                    client_reply_fn *on_reply) {
    Roost__V1__HttpProbeRequest request = ROOST__V1__HTTP_PROBE_REQUEST__INIT;

    request.url = pb_lend(url);
    if (on_reply == on_certificate)
        request.method = "HEAD";
    return call(question, "/roost.v1.Probe/Http", &request.base,
                &roost__v1__http_probe_response__descriptor, on_reply);
}

static struct client_call *ask_ping(struct question *question, const char *host) {
    Roost__V1__PingRequest request = ROOST__V1__PING_REQUEST__INIT;

    request.host = pb_lend(host);
    request.count = PINGS;
    return call(question, "/roost.v1.Probe/Ping", &request.base, NULL, NULL);
}

static struct client_call *ask_certificate(struct question *question) {
    auto_(mem_freep) char *url =
        mem_printf("https://%s/", question->series + strlen("certificate "));
    return ask_http(question, url, on_certificate);
}

static struct client_call *ask(struct question *question) {
    const char *series = question->series;

    if (question->subject == UNITS)
        return ask_units(question);
    if (question->subject == UNIT)
        return ask_unit(question);
    if (question->subject == CERTIFICATES)
        return ask_certificate(question);
    if (strncmp(series, "probe tcp ", 10) == 0)
        return ask_tcp(question, series + 10);
    if (strncmp(series, "probe http ", 11) == 0)
        return ask_http(question, series + 11, on_http);
    return ask_ping(question, series + strlen("probe ping "));
}

static void ask_next(struct alerts_lookout *lookout) {
    while (lookout->called < CALLS_MAX && !list_is_empty(&lookout->queue)) {
        struct question *question =
            container_of(list_pop(&lookout->queue), struct question, in_list);
        const struct node *node = registry_find(lookout->config.registry, question->node);
        if (!node || !node->session) {
            question_free(question);
            continue;
        }
        list_add_tail(&lookout->calls, &question->in_list);
        lookout->queued--;
        lookout->called++;
        question->session = node->session;
        question->call = ask(question);
    }
}

/* --- rounds --- */

/* The questions of one node, as they come out of its rules. */
struct round {
    const struct place *place;
    int64_t now_ms;
    struct map *asked;   /* owned: so that none comes twice */
    const char **series; /* owned; borrowed: the rules, meanwhile */
    size_t count, cap;
};

static void note_question(void *arg, const char *series) {
    struct round *round = arg;

    if (map_get(round->asked, key_of(series)) ||
        is_resting(round->place, series, round->now_ms))
        return;
    map_put(round->asked, key_of(series), round);
    if (round->count == round->cap) {
        round->cap = round->cap ? round->cap * 2 : 16;
        round->series = mem_grow(round->series, round->cap * sizeof(*round->series));
    }
    round->series[round->count++] = series;
}

/* Of many questions some are asked, and in the next round those behind them. */
static void go_round(struct alerts_lookout *lookout, struct place *place, int64_t at_ms) {
    struct round round = { .place = place, .now_ms = at_ms, .asked = map_new() };
    size_t put = 0;

    alerts_each_question(lookout->config.alerts, place->name, note_question, &round);
    while (put < round.count && put < QUESTIONS_MAX && lookout->queued < QUEUE_MAX) {
        const char *series = round.series[(place->from + put++) % round.count];
        put_question(lookout, place->name, subject_of(series), series, NULL);
        if (subject_of(series) == CERTIFICATES)
            rest(place, series, at_ms + CERTIFICATE_MS);
    }
    place->from = round.count > put ? (place->from + put) % round.count : 0;
    map_free(round.asked);
    free(round.series);
}

/* Nodes have their rounds one after the other. */
static int64_t first_round(const struct alerts_lookout *lookout,
                           const char *name,
                           int64_t at_ms) {
    uint64_t place = checksum_xxh64(slice_of_text(name));
    return at_ms + (int64_t)(place % lookout->config.round_ms);
}

static struct place *find_place(struct alerts_lookout *lookout,
                                const struct node *node,
                                int64_t at_ms) {
    struct place *place = map_get(lookout->places, node->name);

    if (!place) {
        place = mem_new(sizeof(*place));
        place->name = mem_strdup(node->name);
        place->rests = map_new();
        place->next_ms = first_round(lookout, node->name, at_ms);
        map_put(lookout->places, node->name, place);
    }
    if (place->generation != node->generation) /* perhaps with another policy */
        forget_rests(place);
    place->generation = node->generation;
    return place;
}

static void place_free(struct place *place) {
    forget_rests(place);
    map_free(place->rests);
    free(place->name);
    free(place);
}

/* Of nodes that are no longer there. */
static void forget_places(struct alerts_lookout *lookout) {
    struct place *place;
    size_t at = 0;

    while ((place = map_next(lookout->places, &at, NULL))) {
        if (registry_find(lookout->config.registry, place->name))
            continue;
        map_remove(lookout->places, place->name);
        place_free(place);
        at = 0;
    }
}

static unsigned tick_ms(const struct alerts_lookout *lookout) {
    return lookout->config.round_ms < TICK_MS ? lookout->config.round_ms : TICK_MS;
}

static void on_tick(struct timer *timer) {
    struct alerts_lookout *lookout = container_of(timer, struct alerts_lookout, tick);
    int64_t at_ms = now_ms(lookout);
    const struct node *node;
    size_t at = 0;

    while ((node = registry_next(lookout->config.registry, &at))) {
        if (!node->session || node->anonymous)
            continue;
        struct place *place = find_place(lookout, node, at_ms);
        if (place->next_ms > at_ms + lookout->config.round_ms)
            place->next_ms = at_ms; /* the clock was set back */
        if (place->next_ms > at_ms)
            continue;
        place->next_ms = at_ms + lookout->config.round_ms;
        go_round(lookout, place, at_ms);
    }
    if (map_count(lookout->places) > registry_count(lookout->config.registry))
        forget_places(lookout);
    ask_next(lookout);
    timer_start(lookout->config.loop, timer, tick_ms(lookout));
}

struct alerts_lookout *alerts_lookout_new(const struct alerts_lookout_config *config) {
    struct alerts_lookout *lookout = mem_new(sizeof(*lookout));

    lookout->config = *config;
    if (lookout->config.round_ms == 0)
        lookout->config.round_ms = ROUND_MS;
    lookout->tick.fire = on_tick;
    lookout->places = map_new();
    list_init(&lookout->queue);
    list_init(&lookout->calls);
    timer_start(config->loop, &lookout->tick, tick_ms(lookout));
    return lookout;
}

static void free_questions(struct list *list) {
    list_for_each_safe(at, after, list)
        question_free(container_of(at, struct question, in_list));
}

struct alerts_lookout *alerts_lookout_free(struct alerts_lookout *lookout) {
    struct place *place;
    size_t at = 0;

    if (!lookout)
        return NULL;
    timer_stop(&lookout->tick);
    free_questions(&lookout->queue);
    free_questions(&lookout->calls);
    while ((place = map_next(lookout->places, &at, NULL)))
        place_free(place);
    map_free(lookout->places);
    free(lookout);
    return NULL;
}
