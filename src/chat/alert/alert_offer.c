#include "chat/alert/alert_offer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/metric.h"
#include "chat/act/act_call.h"
#include "chat/alert/alert_text.h"
#include "roost/v1/metrics.pb-c.h"
#include "wire/pb.h"

/* What is offered, if the node has it; ":*" is each of them by itself. */
static const struct offer {
    const char *series;
    const char *op;
    const char *limits; /* with their unit, parted by '|'; NULL: those of the unit */
} offers[] = {
    { "cpu", ">", NULL },
    { "mem", ">", NULL },
    { "swap", ">", "25|50|75|90" },
    { "disk:*", ">", "80|85|90|95" },
    { "temp.cpu", ">", NULL },
    { "gpu", ">", NULL },
    { "vram", ">", NULL },
    { "temp.gpu", ">", NULL },
    { "load1", ">", "1|2|4|8" },
    { "net.rx", ">", NULL },
    { "net.tx", ">", NULL },
    { "psi.mem", ">", "5|10|20|40" },
    { "battery", "<", "10|20|30|50" },
};

enum { OFFERS = sizeof(offers) / sizeof(offers[0]) };

/* Limits by unit, for what is not offered as well. */
static const struct unit_limits {
    const char *unit;
    const char *limits;
} unit_limits[] = {
    { "%", "70|80|90|95" },
    { "Cel", "60|70|80|90" },
    { "By/s", "1 MB/s|5 MB/s|10 MB/s|50 MB/s|100 MB/s" },
    { "By", "1 GiB|4 GiB|16 GiB|64 GiB" },
    { "ms", "10 ms|50 ms|100 ms|500 ms" },
    { "/s", "1|10|100|1000" },
};

static char *back_of(const struct turn *turn) {
    return mem_printf("node %s", turn_node(turn));
}

/* --- of what --- */

/* Is it the series, or one of those that "disk:*" means? */
static bool is_of(const char *series, const char *name) {
    size_t len = strlen(series);

    if (len > 2 && strcmp(series + len - 2, ":*") == 0)
        return strncmp(name, series, len - 1) == 0;
    return strcmp(name, series) == 0;
}

/* The highest value of it that the node has; NAN: it has none. */
static double find_value(const Roost__V1__NodeValues *values, const char *series) {
    double highest = NAN;

    for (size_t i = 0; i < values->n_values; i++)
        if (is_of(series, values->values[i]->key) &&
            !(values->values[i]->value < highest))
            highest = values->values[i]->value;
    return highest;
}

static void add_offers(struct view *view,
                       const struct turn *turn,
                       const Roost__V1__NodeValues *values) {
    size_t count = 0;

    for (size_t i = 0; i < OFFERS; i++) {
        double value = find_value(values, offers[i].series);
        const struct metric *metric = metric_find(offers[i].series);
        struct buf label = { 0 };
        if (isnan(value))
            continue;
        buf_printf(&label, "%s · ", offers[i].series);
        alert_text_value(&label, value, metric ? metric->unit : "");
        if (count++ % 2 == 0)
            view_row(view);
        view_button(view, VIEW_PLAIN, buf_text(&label), "setalert %s %s", turn_node(turn),
                    offers[i].series);
        buf_done(&label);
    }
}

static void on_latest(struct turn *turn,
                      void *arg,
                      enum grpc_status status,
                      const char *message,
                      const ProtobufCMessage *reply) {
    const Roost__V1__LatestResponse *latest = (const Roost__V1__LatestResponse *)reply;
    auto_(mem_freep) char *back = back_of(turn);

    if (status != GRPC_OK) {
        act_call_fail(turn, status, message, turn_node(turn), NULL, back);
        return;
    }
    struct view *view = view_new();
    view_title(view, turn_say(turn, "%s: of what are you to be told?"), turn_node(turn));
    view_text(view, "%s",
              turn_say(turn, "Press one, write the name of any metric (/metrics), or a "
                             "whole condition:"));
    view_code(view, "disk:* > 90 for 10m clear 87");
    if (latest->n_nodes > 0)
        add_offers(view, turn, latest->nodes[0]);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "it is offline"),
                "setalert %s offline for 3m", turn_node(turn));
    view_button(view, VIEW_PLAIN, turn_say(turn, "a service fails"),
                "setalert %s unit(*) for 2m", turn_node(turn));
    act_call_back(turn, view, back);
    turn_ask(turn, view, "setalert %s", turn_node(turn));
}

void alert_offer_metrics(struct turn *turn) {
    Roost__V1__LatestRequest request = ROOST__V1__LATEST_REQUEST__INIT;

    request.select = pb_lend(turn_node(turn));
    turn_call(turn, NULL, "/roost.v1.Metrics/Latest", &request.base, on_latest, NULL);
}

/* --- more than how much --- */

static const char *limits_of(const char *series, const char **ret_op) {
    const struct metric *metric = metric_find(series);

    *ret_op = ">";
    for (size_t i = 0; i < OFFERS; i++)
        if (strcmp(offers[i].series, series) == 0) {
            *ret_op = offers[i].op;
            if (offers[i].limits)
                return offers[i].limits;
        }
    for (size_t i = 0; i < sizeof(unit_limits) / sizeof(unit_limits[0]); i++)
        if (metric && strcmp(unit_limits[i].unit, metric->unit) == 0)
            return unit_limits[i].limits;
    return "1|10|100|1000";
}

void alert_offer_numbers(struct turn *turn, const char *series) {
    const struct metric *metric = metric_find(series);
    auto_(mem_freep) char *back = mem_printf("setalert %s", turn_node(turn));
    const char *op;

    if (!metric) {
        turn_complain(turn, turn_say(turn, "There is no metric \"%s\""), series);
        return;
    }
    const char *limits = limits_of(series, &op);
    struct view *view = view_new();
    if (op[0] == '<')
        view_title(view, turn_say(turn, "%s: %s less than how much?"), turn_node(turn),
                   series);
    else
        view_title(view, turn_say(turn, "%s: %s more than how much?"), turn_node(turn),
                   series);
    view_text(view, turn_say(turn, "Press one, or write a number (%s)."), metric->unit);
    for (const char *at = limits; *at;) {
        size_t len = strcspn(at, "|");
        auto_(mem_freep) char *limit = mem_dup(at, len);
        bool is_percent = strcmp(metric->unit, "%") == 0;
        auto_(mem_freep) char *label =
            mem_printf("%s %s%s", op, limit, is_percent ? " %" : "");
        view_button(view, VIEW_PLAIN, label, "setalert %s %s %s %s --ask",
                    turn_node(turn), series, op, limit);
        at += len + (at[len] == '|');
    }
    act_call_back(turn, view, back);
    turn_ask(turn, view, "setalert %s %s %s", turn_node(turn), series, op);
}

/* --- for how long --- */

void alert_offer_lengths(struct turn *turn, const char *condition) {
    static const char *const lengths[] = { "1m", "5m", "10m", "30m", "1h" };
    auto_(mem_freep) char *back = mem_printf("setalert %s", turn_node(turn));
    struct view *view = view_new();

    view_title(view, turn_say(turn, "%s: for how long is that to be so?"),
               turn_node(turn));
    view_code(view, condition);
    view_button(view, VIEW_PLAIN, turn_say(turn, "at once"), "setalert %s %s",
                turn_node(turn), condition);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        if (i == 2)
            view_row(view);
        view_button(view, VIEW_PLAIN, lengths[i], "setalert %s %s for %s",
                    turn_node(turn), condition, lengths[i]);
    }
    act_call_back(turn, view, back);
    turn_ask(turn, view, "setalert %s %s for", turn_node(turn), condition);
}
