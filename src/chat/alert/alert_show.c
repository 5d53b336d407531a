#include "chat/alert/alert_show.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/act/act_call.h"
#include "chat/act/act_text.h"
#include "chat/alert/alert_card.h"
#include "chat/alert/alert_text.h"
#include "chat/chat.h"
#include "roost/v1/metrics.pb-c.h"
#include "wire/timestamp.h"

enum { AROUND_MS = 30 * 60 * 1000, CHART_WIDTH = 900, CHART_HEIGHT = 450 };

struct showing {
    Roost__V1__Incident *incident; /* owned */
    bool has_details;
};

static void end_showing(void *state) {
    struct showing *showing = state;
    pb_free((ProtobufCMessage *)showing->incident);
}

/* May the person act on the incident's node? */
struct right {
    const char *node; /* borrowed: the incident */
    bool may_act;
};

static bool look_at(void *arg, const struct chat_node *node) {
    struct right *right = arg;

    if (right->node[0] && strcmp(node->name, right->node) != 0)
        return true;
    right->may_act = node->role >= ACTOR_OPERATOR;
    return !right->may_act;
}

static bool may_act(const struct turn *turn, const Roost__V1__Incident *incident) {
    const struct chat_host *host = turn_host(turn);
    struct right right = { .node = incident->node };

    if (actor_is_admin(turn_actor(turn)))
        return true;
    if (host->each_node && turn_actor(turn))
        host->each_node(host->arg, turn_actor(turn), look_at, &right);
    return right.may_act;
}

static void show(struct turn *turn, const struct showing *showing, struct slice png) {
    bool may = may_act(turn, showing->incident);
    enum words_language language = turn_language(turn);
    struct view *view = showing->has_details
                            ? alert_card_details(language, showing->incident, png, may)
                            : alert_card_view(language, showing->incident, png, may);

    view->is_quiet = false; /* it was asked for */
    view->is_urgent = false;
    view->is_fresh = turn_flag(turn, "new") != NULL;
    turn_show(turn, view);
}

static void on_chart(struct turn *turn,
                     void *arg,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    const Roost__V1__ChartResponse *chart = (const Roost__V1__ChartResponse *)reply;
    struct slice png = { 0 };

    if (status == GRPC_OK)
        png = slice_of(chart->image.data, chart->image.len);
    show(turn, arg, png);
}

static void ask_chart(struct turn *turn, struct showing *showing) {
    Roost__V1__ChartRequest request = ROOST__V1__CHART_REQUEST__INIT;
    const Roost__V1__Incident *incident = showing->incident;
    Google__Protobuf__Timestamp since, until;
    int64_t now_ms = act_text_now_ms(turn);
    int64_t end_ms = timestamp_get(incident->ended);
    char *metrics[] = { incident->series };
    double threshold = incident->threshold;

    if (end_ms == 0 || end_ms + AROUND_MS > now_ms)
        end_ms = now_ms - AROUND_MS;
    request.select = incident->node;
    request.metrics = metrics;
    request.n_metrics = 1;
    request.since = timestamp_set(&since, timestamp_get(incident->started) - AROUND_MS);
    request.until = timestamp_set(&until, end_ms + AROUND_MS);
    request.width = CHART_WIDTH;
    request.height = CHART_HEIGHT;
    if (isfinite(threshold)) {
        request.thresholds = &threshold;
        request.n_thresholds = 1;
    }
    turn_call(turn, NULL, "/roost.v1.Metrics/Chart", &request.base, on_chart, showing);
}

void alert_show_incident(struct turn *turn,
                         const Roost__V1__Incident *incident,
                         bool has_details) {
    struct showing *showing = turn_state(turn, sizeof(*showing), end_showing);
    ProtobufCMessage *copied = act_call_copy(&incident->base);

    pb_free((ProtobufCMessage *)showing->incident);
    showing->incident = (Roost__V1__Incident *)copied;
    showing->has_details = has_details;
    if (alert_text_has_chart(showing->incident))
        ask_chart(turn, showing);
    else
        show(turn, showing, (struct slice) { 0 });
}

static void on_incident(struct turn *turn,
                        void *arg,
                        enum grpc_status status,
                        const char *message,
                        const ProtobufCMessage *reply) {
    struct showing *showing = arg;

    if (status == GRPC_OK)
        alert_show_incident(turn, (const Roost__V1__Incident *)reply,
                            showing->has_details);
    else
        act_call_fail(turn, status, message, turn_say(turn, "This alert"), NULL,
                      "alerts");
}

void alert_show_id(struct turn *turn, uint64_t id, bool has_details) {
    Roost__V1__GetIncidentRequest request = ROOST__V1__GET_INCIDENT_REQUEST__INIT;
    struct showing *showing = turn_state(turn, sizeof(*showing), end_showing);

    showing->has_details = has_details;
    request.id = id;
    turn_call(turn, NULL, "/roost.v1.Alerts/Get", &request.base, on_incident, showing);
}

bool alert_show_parse_id(const char *word, uint64_t *ret_id) {
    return word && act_text_number(word + (word[0] == '#'), UINT64_MAX, ret_id);
}
