#include "alerts/judge/grouping.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/judge/judge.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"

enum {
    LOST_MIN = 3,              /* fewer lost together are no sign of the uplink */
    STRAGGLERS_MS = 60000,     /* most are back: the others get this long */
    RESTART_TELL_MS = 1800000, /* a start of the hub is worth to be told for so long */
    NAMES_MAX = 10,            /* that evidence lists */
};

static const char join_rule[] = "found-at-join";
static const char uplink_rule[] = "uplink";

/* ---- what was so at the join ---- */

/* What its firings say, one behind the other. */
static void describe_join(const struct judge_node *node,
                          const struct judge_firing *without,
                          struct incident *incident,
                          int64_t time_ms) {
    struct buf text = { 0 };
    const char *before = "found at join: ";

    for (size_t i = 0; i < node->firing_count; i++) {
        const struct judge_firing *firing = node->firings[i];
        if (firing == without || firing->cover != JUDGE_OF_JOIN || firing->is_held)
            continue;
        buf_add_text(&text, before);
        judge_text_of(node, firing, time_ms, &text);
        before = "; ";
    }
    if (text.len > 0)
        incident_set(&incident->text, buf_text(&text));
    buf_done(&text);
}

static bool take_join(struct alerts *alerts,
                      struct judge_node *node,
                      struct judge_firing *firing,
                      int64_t time_ms) {
    struct incidents *incidents = alerts->config.incidents;
    struct incident *incident =
        incidents_find(incidents, join_rule, node->name, join_rule);
    bool is_new = !incident;

    if (is_new)
        incident = incidents_open(incidents, join_rule, node->name, join_rule);
    if (!incident)
        return false;
    if (is_new) {
        incident->severity = INCIDENT_INFO;
        incident->started_ms = firing->since_ms;
        incident->found_at_join = true;
    }
    if (incident->severity < firing->rule->rule->severity)
        incident->severity = firing->rule->rule->severity;
    firing->incident = incident->id;
    describe_join(node, NULL, incident, time_ms);
    auto_(mem_freep) char *step = mem_printf("found %s", firing->series);
    incident_changed(incidents, incident, is_new ? INCIDENT_BEGAN : INCIDENT_TOUCHED,
                     firing->fired_ms, step);
    return true;
}

static bool has_other_of_join(const struct judge_node *node,
                              const struct judge_firing *without) {
    for (size_t i = 0; i < node->firing_count; i++)
        if (node->firings[i] != without && node->firings[i]->cover == JUDGE_OF_JOIN)
            return true;
    return false;
}

static void leave_join(struct alerts *alerts,
                       const struct judge_node *node,
                       const struct judge_firing *firing,
                       int64_t time_ms) {
    struct incident *incident =
        incidents_by_id(alerts->config.incidents, firing->incident);
    auto_(mem_freep) char *step = mem_printf("%s is well", firing->series);

    if (!incident || incident->state == INCIDENT_RESOLVED)
        return;
    if (!has_other_of_join(node, firing)) {
        incident_end(alerts->config.incidents, incident, time_ms, "resolved");
        return;
    }
    describe_join(node, firing, incident, time_ms);
    incident_changed(alerts->config.incidents, incident, INCIDENT_TOUCHED, time_ms, step);
}

/* ---- nodes that are lost together ---- */

static bool is_near(int64_t a_ms, int64_t b_ms) {
    int64_t apart_ms = a_ms > b_ms ? a_ms - b_ms : b_ms - a_ms;
    return apart_ms <= ALERTS_UPLINK_MS;
}

static bool was_lost_near(const struct judge_node *node, int64_t time_ms) {
    return !node->is_online && !node->is_leaving && !node->sleeps &&
           node->node_since_ms != 0 && is_near(node->node_since_ms, time_ms);
}

/* How many were lost about then, and how many were online before. */
static size_t count_lost(const struct alerts *alerts,
                         int64_t time_ms,
                         size_t *ret_online) {
    struct judge_node *node;
    size_t lost = 0, online = 0;
    size_t at = 0;

    while ((node = map_next(alerts->nodes, &at, NULL))) {
        lost += was_lost_near(node, time_ms);
        online += node->is_online;
    }
    *ret_online = online + lost;
    return lost;
}

/* Names of nodes that were lost about then, beside this one; how many. */
static size_t name_lost(const struct alerts *alerts,
                        const struct judge_node *beside,
                        int64_t time_ms,
                        struct buf *out) {
    struct judge_node *node;
    size_t count = 0;
    size_t at = 0;

    while ((node = map_next(alerts->nodes, &at, NULL))) {
        if (node == beside || !was_lost_near(node, time_ms))
            continue;
        if (count < NAMES_MAX)
            buf_printf(out, "%s%s", count > 0 ? ", " : "", node->name);
        count++;
    }
    if (count > NAMES_MAX)
        buf_printf(out, " and %zu more", count - NAMES_MAX);
    return count;
}

static void say_restart(const struct alerts *alerts, int64_t now_ms, struct buf *out) {
    int64_t ago_ms = now_ms - alerts->config.start_ms;

    if (ago_ms >= 0 && ago_ms < RESTART_TELL_MS)
        buf_printf(out, "%sthe hub was started %lld min ago", out->len > 0 ? "; " : "",
                   (long long)(ago_ms / 60000));
}

void grouping_evidence(struct alerts *alerts,
                       const struct judge_node *node,
                       int64_t now_ms,
                       struct buf *out) {
    struct buf names = { 0 };
    size_t count = name_lost(alerts, node, node->node_since_ms, &names);

    if (node->is_leaving)
        buf_add_text(out, "it said goodbye");
    else if (node->why[0])
        buf_add_text(out, node->why);
    if (count > 0)
        buf_printf(out, "%slost within 30 s of it: %s", out->len > 0 ? "; " : "",
                   buf_text(&names));
    else
        buf_printf(out, "%sno other node was lost then", out->len > 0 ? "; " : "");
    say_restart(alerts, now_ms, out);
    buf_done(&names);
}

static struct incident *find_uplink(const struct alerts *alerts) {
    return incidents_find(alerts->config.incidents, uplink_rule, "", uplink_rule);
}

static bool names_node(const struct incident *incident, const char *name) {
    for (size_t i = 0; incident->nodes && incident->nodes[i]; i++)
        if (strcmp(incident->nodes[i], name) == 0)
            return true;
    return false;
}

static void add_name(struct incident *incident, const char *name) {
    size_t count = rule_list_count(incident->nodes);

    incident->nodes = mem_grow(incident->nodes, (count + 2) * sizeof(char *));
    incident->nodes[count] = mem_strdup(name);
    incident->nodes[count + 1] = NULL;
}

static struct judge_firing *of_uplink(const struct judge_node *node) {
    for (size_t i = 0; i < node->firing_count; i++)
        if (node->firings[i]->cover == JUDGE_OF_UPLINK)
            return node->firings[i];
    return NULL;
}

/* How many of them are still away; without counts as back. */
static size_t count_away(const struct alerts *alerts,
                         const struct judge_firing *without) {
    struct judge_node *node;
    size_t away = 0;
    size_t at = 0;

    while ((node = map_next(alerts->nodes, &at, NULL))) {
        const struct judge_firing *firing = of_uplink(node);
        away += firing && firing != without;
    }
    return away;
}

static void describe_uplink(struct incident *incident, size_t away, size_t online) {
    size_t count = rule_list_count(incident->nodes);
    auto_(mem_freep) char *text =
        away == count
            ? mem_printf("%zu of %zu nodes were lost within 30 s: is it the hub's own "
                         "uplink?",
                         count, online)
            : mem_printf("%zu of %zu nodes that were lost together are still away", away,
                         count);

    incident_set(&incident->text, text);
}

static struct incident *open_uplink(struct alerts *alerts,
                                    const struct judge_node *node,
                                    int64_t time_ms) {
    size_t online;
    size_t lost = count_lost(alerts, node->node_since_ms, &online);
    struct incident *incident = NULL;
    struct judge_node *other;
    size_t at = 0;

    if (lost < LOST_MIN || lost * 2 < online)
        return NULL;
    incident = incidents_open(alerts->config.incidents, uplink_rule, "", uplink_rule);
    if (!incident)
        return NULL;
    incident->severity = INCIDENT_CRITICAL;
    incident->started_ms = node->node_since_ms;
    while ((other = map_next(alerts->nodes, &at, NULL)))
        if (was_lost_near(other, node->node_since_ms))
            add_name(incident, other->name);
    describe_uplink(incident, lost, online);
    struct buf evidence = { 0 };
    buf_printf(&evidence, "%zu of %zu nodes that were online were lost within 30 s", lost,
               online);
    if (node->why[0])
        buf_printf(&evidence, "; %s: %s", node->name, node->why);
    say_restart(alerts, time_ms, &evidence);
    incident_set(&incident->evidence, buf_text(&evidence));
    buf_done(&evidence);
    alerts->uplink_back_ms = 0;
    incident_changed(alerts->config.incidents, incident, INCIDENT_BEGAN, time_ms,
                     "fired");
    return incident;
}

static bool take_uplink(struct alerts *alerts,
                        struct judge_node *node,
                        struct judge_firing *firing,
                        int64_t time_ms) {
    struct incident *incident = find_uplink(alerts);

    if (!was_lost_near(node, node->node_since_ms))
        return false;
    if (!incident)
        incident = open_uplink(alerts, node, time_ms);
    else if (!names_node(incident, node->name) &&
             !is_near(incident->started_ms, node->node_since_ms))
        return false;
    if (!incident)
        return false;
    firing->cover = JUDGE_OF_UPLINK;
    firing->incident = incident->id;
    node->is_dirty = true;
    if (!names_node(incident, node->name)) {
        add_name(incident, node->name);
        incident_changed(alerts->config.incidents, incident, INCIDENT_TOUCHED, time_ms,
                         NULL);
    }
    return true;
}

static void leave_uplink(struct alerts *alerts,
                         const struct judge_node *node,
                         const struct judge_firing *firing,
                         int64_t time_ms) {
    struct incident *incident =
        incidents_by_id(alerts->config.incidents, firing->incident);
    size_t away = count_away(alerts, firing);
    auto_(mem_freep) char *step = mem_printf("%s is back", node->name);

    if (!incident || incident->state == INCIDENT_RESOLVED)
        return;
    if (away == 0) {
        alerts->uplink_back_ms = 0;
        incident_end(alerts->config.incidents, incident, time_ms, "all are back");
        return;
    }
    describe_uplink(incident, away, 0);
    incident_changed(alerts->config.incidents, incident, INCIDENT_TOUCHED, time_ms, step);
}

/* Most are back, so it was not the uplink that keeps the others away. */
static void tell_stragglers(struct alerts *alerts,
                            struct incident *incident,
                            int64_t now_ms) {
    struct judge_node *node;
    size_t at = 0;

    incident_end(alerts->config.incidents, incident, now_ms, "most are back");
    while ((node = map_next(alerts->nodes, &at, NULL))) {
        struct judge_firing *firing;
        while ((firing = of_uplink(node))) {
            firing->cover = JUDGE_OWN;
            firing->incident = 0;
            judge_fire_tell(alerts, node, firing, now_ms);
        }
    }
}

void grouping_tick(struct alerts *alerts, int64_t now_ms) {
    struct incident *incident = find_uplink(alerts);

    if (!incident)
        return;
    size_t count = rule_list_count(incident->nodes);
    size_t away = count_away(alerts, NULL);
    if (away == 0) {
        /* Those that are left were removed, or the rule was. Whoever was lost may still
         * be on its way into the incident. */
        if (now_ms - incident->started_ms > STRAGGLERS_MS + ALERTS_UPLINK_MS * 2)
            incident_end(alerts->config.incidents, incident, now_ms, "all are back");
        return;
    }
    if (away * 2 > count) {
        alerts->uplink_back_ms = 0;
        return;
    }
    if (alerts->uplink_back_ms == 0)
        alerts->uplink_back_ms = now_ms;
    if (now_ms - alerts->uplink_back_ms >= STRAGGLERS_MS)
        tell_stragglers(alerts, incident, now_ms);
}

bool grouping_take(struct alerts *alerts,
                   struct judge_node *node,
                   struct judge_firing *firing,
                   int64_t time_ms) {
    if (firing->cover == JUDGE_OF_JOIN)
        return take_join(alerts, node, firing, time_ms);
    if (firing->rule->has_offline && firing->rule->leaf_count == 1)
        return take_uplink(alerts, node, firing, time_ms);
    return false;
}

void grouping_leave(struct alerts *alerts,
                    struct judge_node *node,
                    struct judge_firing *firing,
                    int64_t time_ms) {
    if (firing->cover == JUDGE_OF_JOIN)
        leave_join(alerts, node, firing, time_ms);
    else
        leave_uplink(alerts, node, firing, time_ms);
}
