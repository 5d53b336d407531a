#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/judge/grouping.h"
#include "alerts/judge/judge.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/metric.h"

/* Does a holding test speak for the object? */
static bool speaks_for(const struct judge_active *active,
                       const struct judge_leaf *leaf,
                       const char *object) {
    const char *own = judge_object(active->series);

    if (!leaf->is_glob || leaf->target)
        return true;
    return object && own && strcmp(own, object) == 0;
}

static struct judge_active *find_holding(const struct judge_node *node,
                                         const struct judge_rule *rule,
                                         unsigned leaf,
                                         const char *object) {
    for (size_t i = 0; i < node->active_count; i++) {
        struct judge_active *active = node->actives[i];
        if (active->rule == rule && active->leaf == leaf && judge_holds(active) &&
            speaks_for(active, &rule->leaves[leaf], object))
            return active;
    }
    return NULL;
}

/* What the evaluation of a whole condition goes on. */
struct whole {
    const struct judge_node *node;
    const struct judge_rule *rule;
    const char *object; /* NULL: of the whole node */
    unsigned leaf;      /* the next one */
};

static bool is_whole_true(struct whole *whole, const struct condition *condition) {
    size_t count = 0;

    if (condition->part_count == 0)
        return find_holding(whole->node, whole->rule, whole->leaf++, whole->object);
    for (size_t i = 0; i < condition->part_count; i++)
        count += is_whole_true(whole, condition->parts[i]);
    switch (condition->kind) {
    case CONDITION_ALL:
        return count == condition->part_count;
    case CONDITION_SOME:
        return count >= condition->some;
    default:
        return count > 0;
    }
}

static bool is_true_of(const struct judge_node *node,
                       const struct judge_rule *rule,
                       const char *object) {
    struct whole whole = { .node = node, .rule = rule, .object = object };
    return is_whole_true(&whole, rule->rule->condition);
}

static bool is_same_object(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static struct judge_firing *find_firing(const struct judge_node *node,
                                        const struct judge_rule *rule,
                                        const char *object) {
    for (size_t i = 0; i < node->firing_count; i++)
        if (node->firings[i]->rule == rule &&
            is_same_object(node->firings[i]->object, object))
            return node->firings[i];
    return NULL;
}

void judge_fire_free(struct judge_firing *firing) {
    free(firing->series);
    free(firing->object);
    free(firing->text);
    free(firing);
}

static void forget_firing(struct judge_node *node, struct judge_firing *firing) {
    for (size_t i = 0; i < node->firing_count; i++)
        if (node->firings[i] == firing) {
            node->firings[i] = node->firings[--node->firing_count];
            break;
        }
    node->is_dirty = true;
    judge_fire_free(firing);
}

struct judge_active *judge_fire_leaf(const struct judge_node *node,
                                     const struct judge_firing *firing,
                                     unsigned leaf) {
    const struct judge_rule *rule = firing->rule;

    if (rule->leaf_count > 1)
        return find_holding(node, rule, leaf, firing->object);
    struct judge_active *active = judge_find(node, rule, leaf, firing->series);
    return active && judge_holds(active) ? active : NULL;
}

/* What an incident says in figures: of the first test that has some. */
static void set_figures(const struct judge_node *node,
                        const struct judge_firing *firing,
                        struct incident *incident) {
    const struct judge_rule *rule = firing->rule;

    for (unsigned i = 0; i < rule->leaf_count; i++) {
        const struct condition *test = rule->leaves[i].test;
        struct judge_active *active = judge_fire_leaf(node, firing, i);
        bool has_number = test->kind == CONDITION_LEVEL || test->kind == CONDITION_RATE ||
                          test->kind == CONDITION_FORECAST;
        if (!active || !has_number)
            continue;
        const struct metric *metric = metric_find(active->series);
        incident->value = active->value;
        incident->threshold = test->number;
        incident_set(&incident->unit, metric ? metric->unit : "");
        return;
    }
}

static void describe(const struct judge_node *node,
                     const struct judge_firing *firing,
                     struct incident *incident,
                     int64_t time_ms) {
    struct buf text = { 0 };

    judge_text_of(node, firing, time_ms, &text);
    incident_set(&incident->text, buf_text(&text));
    buf_done(&text);
    set_figures(node, firing, incident);
}

static struct incident *open_incident(struct alerts *alerts,
                                      struct judge_node *node,
                                      struct judge_firing *firing,
                                      int64_t time_ms) {
    const struct rule *rule = firing->rule->rule;
    struct incident *incident =
        incidents_find(alerts->config.incidents, rule->name, node->name, firing->series);

    if (!incident)
        incident = incidents_open(alerts->config.incidents, rule->name, node->name,
                                  firing->series);
    if (!incident)
        return NULL;
    incident->severity = rule->severity;
    incident->started_ms = firing->since_ms;
    describe(node, firing, incident, time_ms);
    if (firing->rule->has_offline) {
        struct buf evidence = { 0 };
        grouping_evidence(alerts, node, time_ms, &evidence);
        incident_set(&incident->evidence, buf_text(&evidence));
        buf_done(&evidence);
    }
    firing->incident = incident->id;
    node->is_dirty = true;
    return incident;
}

void judge_fire_tell(struct alerts *alerts,
                     struct judge_node *node,
                     struct judge_firing *firing,
                     int64_t time_ms) {
    struct incident *incident = open_incident(alerts, node, firing, time_ms);

    if (!incident)
        return;
    firing->cover = JUDGE_OWN;
    incident_changed(alerts->config.incidents, incident, INCIDENT_BEGAN, firing->fired_ms,
                     "fired");
    if (alerts->config.on_fire && node->is_online)
        alerts->config.on_fire(alerts->config.arg, node->name, incident->id);
}

/* What began and ended in a replay: nobody is told, and it can be looked up. */
static void tell_past(struct alerts *alerts,
                      struct judge_node *node,
                      struct judge_firing *firing,
                      int64_t time_ms) {
    struct incident *incident = open_incident(alerts, node, firing, time_ms);

    if (!incident)
        return;
    if (firing->text)
        incident_set(&incident->text, firing->text);
    incident->is_history = true;
    incident_changed(alerts->config.incidents, incident, INCIDENT_BEGAN, firing->fired_ms,
                     "fired");
    incident_end(alerts->config.incidents, incident, time_ms, "resolved");
}

void judge_fire_end(struct alerts *alerts,
                    struct judge_node *node,
                    struct judge_firing *firing,
                    int64_t time_ms,
                    const char *why) {
    struct incident *incident =
        incidents_by_id(alerts->config.incidents, firing->incident);

    if (firing->cover != JUDGE_OWN)
        grouping_leave(alerts, node, firing, time_ms);
    else if (firing->is_held)
        tell_past(alerts, node, firing, time_ms);
    else if (incident)
        incident_end(alerts->config.incidents, incident, time_ms, why ? why : "resolved");
    forget_firing(node, firing);
}

/* The incident is called as the first pattern's series, or as the first test's. */
static char *name_series(const struct judge_rule *rule, const char *object) {
    if (rule->leaf_count == 1)
        return mem_strdup(object);
    for (size_t i = 0; object && i < rule->leaf_count; i++) {
        const char *pattern = rule->leaves[i].test->series;
        if (rule->leaves[i].is_glob && !rule->leaves[i].target)
            return mem_printf("%.*s:%s", (int)strcspn(pattern, ":"), pattern, object);
    }
    return mem_strdup(rule->leaves[0].target ? rule->leaves[0].target
                                             : rule->leaves[0].test->series);
}

struct judge_firing *judge_fire_add(struct judge_node *node) {
    if (node->firing_count == node->firing_cap) {
        node->firing_cap = node->firing_cap ? node->firing_cap * 2 : 4;
        node->firings =
            mem_grow(node->firings, node->firing_cap * sizeof(*node->firings));
    }
    struct judge_firing *firing = mem_new(sizeof(*firing));
    node->firings[node->firing_count++] = firing;
    return firing;
}

/* Since when a condition is true, and whether all of it was so at the join. */
struct beginning {
    const char *object;
    int64_t since_ms;
    bool is_of_join;
};

static void begin_firing(struct alerts *alerts,
                         struct judge_node *node,
                         struct judge_rule *rule,
                         const struct beginning *beginning,
                         const struct judge_moment *moment) {
    struct judge_firing *firing = judge_fire_add(node);

    firing->rule = rule;
    firing->series = name_series(rule, beginning->object);
    firing->object = beginning->object ? mem_strdup(beginning->object) : NULL;
    firing->since_ms = beginning->since_ms;
    firing->fired_ms = moment->time_ms;
    firing->is_held = moment->is_replay;
    firing->cover = beginning->is_of_join ? JUDGE_OF_JOIN : JUDGE_OWN;
    node->is_dirty = true;
    if (moment->is_replay) {
        struct buf text = { 0 };
        judge_text_of(node, firing, moment->time_ms, &text);
        firing->text = buf_take_text(&text);
    } else if (!grouping_take(alerts, node, firing, moment->time_ms)) {
        judge_fire_tell(alerts, node, firing, moment->time_ms);
    }
}

/* One test is the whole condition: each series is an object of its own. */
static void look_at_one(struct alerts *alerts,
                        struct judge_node *node,
                        const struct judge_active *active,
                        const struct judge_moment *moment) {
    struct judge_firing *firing = find_firing(node, active->rule, active->series);
    struct beginning beginning = { active->series, active->since_ms, active->is_of_join };

    if (judge_holds(active) && !firing)
        begin_firing(alerts, node, active->rule, &beginning, moment);
    else if (!judge_holds(active) && firing)
        judge_fire_end(alerts, node, firing, moment->time_ms, moment->why);
}

/* It is whole since its last part. */
static struct beginning begin_of(const struct judge_node *node,
                                 const struct judge_rule *rule,
                                 const char *object) {
    struct beginning beginning = { .object = object, .is_of_join = true };

    for (unsigned i = 0; i < rule->leaf_count; i++) {
        const struct judge_active *active = find_holding(node, rule, i, object);
        if (!active)
            continue;
        if (active->since_ms > beginning.since_ms)
            beginning.since_ms = active->since_ms;
        beginning.is_of_join &= active->is_of_join;
    }
    return beginning;
}

/* What the objects are that holding tests of the rule are about: an array to free. */
static char **list_objects(const struct judge_node *node,
                           const struct judge_rule *rule,
                           size_t *ret_count) {
    char **objects = mem_new_array(node->active_count + 1, sizeof(*objects));
    size_t count = 0;

    for (size_t i = 0; i < node->active_count; i++) {
        const struct judge_active *active = node->actives[i];
        const char *object = judge_object(active->series);
        if (active->rule != rule || !judge_holds(active) || !object ||
            !rule->leaves[active->leaf].is_glob || rule->leaves[active->leaf].target)
            continue;
        bool is_known = false;
        for (size_t j = 0; j < count && !is_known; j++)
            is_known = strcmp(objects[j], object) == 0;
        if (!is_known)
            objects[count++] = mem_strdup(object);
    }
    *ret_count = count;
    return objects;
}

static void begin_at(struct alerts *alerts,
                     struct judge_node *node,
                     struct judge_rule *rule,
                     const char *object,
                     const struct judge_moment *moment) {
    if (find_firing(node, rule, object) || !is_true_of(node, rule, object))
        return;
    struct beginning beginning = begin_of(node, rule, object);
    begin_firing(alerts, node, rule, &beginning, moment);
}

/* What is true without any pattern is one firing, not one for each object. */
static void look_at_whole(struct alerts *alerts,
                          struct judge_node *node,
                          struct judge_rule *rule,
                          const struct judge_moment *moment) {
    bool is_whole = is_true_of(node, rule, NULL);
    size_t count;

    for (size_t i = node->firing_count; i-- > 0;) {
        struct judge_firing *firing = node->firings[i];
        bool is_true = firing->object
                           ? !is_whole && is_true_of(node, rule, firing->object)
                           : is_whole;
        if (firing->rule == rule && !is_true)
            judge_fire_end(alerts, node, firing, moment->time_ms, moment->why);
    }
    if (is_whole) {
        begin_at(alerts, node, rule, NULL, moment);
        return;
    }
    char **objects = list_objects(node, rule, &count);
    for (size_t i = 0; i < count; i++) {
        begin_at(alerts, node, rule, objects[i], moment);
        free(objects[i]);
    }
    free(objects);
}

void judge_fire_look(struct alerts *alerts,
                     struct judge_node *node,
                     const struct judge_active *active,
                     const struct judge_moment *moment) {
    struct judge_rule *rule = active->rule;

    if (rule->leaf_count == 1) {
        look_at_one(alerts, node, active, moment);
        return;
    }
    if (rule->is_touched)
        return;
    rule->is_touched = true;
    alerts->touched =
        mem_grow(alerts->touched, (alerts->touched_count + 1) * sizeof(*alerts->touched));
    alerts->touched[alerts->touched_count++] = rule;
}

void judge_fire_settle(struct alerts *alerts,
                       struct judge_node *node,
                       const struct judge_moment *moment) {
    for (size_t i = 0; i < alerts->touched_count; i++) {
        alerts->touched[i]->is_touched = false;
        look_at_whole(alerts, node, alerts->touched[i], moment);
    }
    alerts->touched_count = 0;
}

void judge_fire_held(struct alerts *alerts, struct judge_node *node, int64_t time_ms) {
    for (size_t i = 0; i < node->firing_count; i++) {
        struct judge_firing *firing = node->firings[i];
        if (!firing->is_held)
            continue;
        firing->is_held = false;
        node->is_dirty = true;
        if (!grouping_take(alerts, node, firing, time_ms))
            judge_fire_tell(alerts, node, firing, time_ms);
    }
}

/* The figures of what goes on, now and then. */
void judge_fire_values(struct alerts *alerts, struct judge_node *node, int64_t time_ms) {
    for (size_t i = 0; i < node->firing_count; i++) {
        struct judge_firing *firing = node->firings[i];
        struct incident *incident =
            incidents_by_id(alerts->config.incidents, firing->incident);
        if (!incident || firing->cover != JUDGE_OWN || firing->rule->has_offline)
            continue;
        auto_(mem_freep) char *before = mem_strdup(incident->text);
        describe(node, firing, incident, time_ms);
        if (strcmp(before, incident->text) != 0)
            incident_changed(alerts->config.incidents, incident, INCIDENT_VALUE, time_ms,
                             NULL);
    }
}
