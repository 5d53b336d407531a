#include "alerts/notifier/matter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/judge/alerts.h"
#include "alerts/notifier/digest.h"
#include "alerts/notifier/flight.h"
#include "alerts/notifier/notifier_private.h"
#include "alerts/rules/rule.h"
#include "base/mem.h"

enum { ID_LEN = 24 };

static void print_id(uint64_t id, char ret_text[static ID_LEN]) {
    snprintf(ret_text, ID_LEN, "%llu", (unsigned long long)id);
}

struct matter *matter_get(struct notifier *notifier, uint64_t id) {
    char key[ID_LEN];

    print_id(id, key);
    struct matter *matter = map_get(notifier->by_id, key);
    if (matter)
        return matter;
    matter = mem_new(sizeof(*matter));
    *matter = (struct matter) { .notifier = notifier, .id = id, .is_about = true };
    list_init(&matter->deliveries);
    list_add_tail(&notifier->matters, &matter->link);
    map_put(notifier->by_id, key, matter);
    return matter;
}

static void free_delivery(struct delivery *delivery) {
    flight_forget(&delivery->parcel);
    digest_leave(delivery);
    list_remove(&delivery->in_matter);
    told_done(&delivery->told);
    free(delivery);
}

struct matter *matter_free(struct matter *matter) {
    char key[ID_LEN];

    list_for_each_safe(node, after, &matter->deliveries)
        free_delivery(container_of(node, struct delivery, in_matter));
    print_id(matter->id, key);
    map_remove(matter->notifier->by_id, key);
    list_remove(&matter->link);
    free(matter);
    return NULL;
}

struct matter *matter_drop(struct matter *matter) {
    list_for_each_safe(node, after, &matter->deliveries)
        matter_drop_delivery(container_of(node, struct delivery, in_matter));
    return matter_free(matter);
}

static char *record_key(const struct delivery *delivery) {
    return mem_printf("%llu/%s", (unsigned long long)delivery->matter->id,
                      delivery->parcel.target->key);
}

void matter_keep(const struct delivery *delivery) {
    auto_(mem_freep) char *key = record_key(delivery);
    struct buf value = { 0 };

    told_write(&delivery->told, &value);
    notifier_keep(delivery->matter->notifier, MATTER_SPACE, key, &value);
    buf_done(&value);
}

void matter_drop_delivery(struct delivery *delivery) {
    auto_(mem_freep) char *key = record_key(delivery);

    if (delivery->told.due_ms > 0)
        notifier_keep(delivery->matter->notifier, MATTER_SPACE, key, NULL);
    free_delivery(delivery);
}

void matter_forget_records(struct matter *matter, const struct target *target) {
    list_for_each_safe(node, after, &matter->deliveries) {
        struct delivery *delivery = container_of(node, struct delivery, in_matter);
        auto_(mem_freep) char *key = record_key(delivery);
        if (delivery->parcel.target == target)
            notifier_keep(matter->notifier, MATTER_SPACE, key, NULL);
    }
}

void matter_keep_records(struct matter *matter, const struct target *target) {
    list_for_each_safe(node, after, &matter->deliveries) {
        struct delivery *delivery = container_of(node, struct delivery, in_matter);
        if (delivery->parcel.target == target)
            matter_keep(delivery);
    }
}

static struct delivery *add(struct matter *matter, struct target *target) {
    struct delivery *delivery = mem_new(sizeof(*delivery));

    delivery->matter = matter;
    delivery->parcel.target = target;
    list_add_tail(&matter->deliveries, &delivery->in_matter);
    return delivery;
}

void matter_load(struct notifier *notifier, const char *key, struct slice value) {
    char *end;
    unsigned long long id = strtoull(key, &end, 10);
    struct told told;

    if (id == 0 || *end != '/' || !told_read(value, &told))
        return;
    struct delivery *delivery =
        add(matter_get(notifier, id), target_by_key(notifier, end + 1));
    delivery->told = told;
    delivery->is_escalation = told.is_escalation;
    digest_rejoin(delivery);
}

/* --- who is told --- */

/* A walk over those who are. */
struct walk {
    struct matter *matter;
    const struct incident *incident;
    const struct channel *channel; /* of people */
    bool is_escalation;
};

static void meet(struct walk *walk, struct target *target) {
    struct matter *matter = walk->matter;
    struct delivery *delivery = NULL;

    list_for_each_safe(node, after, &matter->deliveries) {
        delivery = container_of(node, struct delivery, in_matter);
        if (delivery->parcel.target == target)
            break;
        delivery = NULL;
    }
    if (!delivery) {
        delivery = add(matter, target);
        delivery->is_escalation = walk->is_escalation;
    } else if (!delivery->is_meant) {
        delivery->is_escalation = walk->is_escalation;
    }
    delivery->is_meant = true;
}

static void on_person(void *arg, const char *user, const char *place) {
    struct walk *walk = arg;

    meet(walk, target_get(walk->matter->notifier, walk->channel, user, place));
}

static void meet_people(struct walk *walk,
                        const struct channel *channel,
                        const char *owner) {
    const struct notifier_config *config = &walk->matter->notifier->config;

    walk->channel = channel;
    if (config->each_person)
        config->each_person(config->arg, walk->incident, owner, on_person, walk);
}

static void meet_channel(struct walk *walk, const struct channel *channel) {
    auto_(mem_freep) char *place = NULL;

    if (channel->is_disabled)
        return;
    if (channel->kind == CHANNEL_PEOPLE) {
        meet_people(walk, channel, "");
        return;
    }
    if (channel->kind == CHANNEL_CHAT)
        place = mem_printf("%s:%s%s%s", channel->platform, channel->chat,
                           channel->topic[0] ? ":" : "", channel->topic);
    meet(walk, target_get(walk->matter->notifier, channel, "", place ? place : ""));
}

static bool is_selected(const struct notifier *notifier,
                        const struct channel *channel,
                        const struct incident *incident) {
    const struct notifier_config *config = &notifier->config;
    const char *select = channel->select;

    if (!select[0] || strcmp(select, "*") == 0)
        return true;
    if (!incident->nodes)
        return config->is_meant(config->arg, select, incident->node);
    for (size_t i = 0; incident->nodes[i]; i++)
        if (config->is_meant(config->arg, select, incident->nodes[i]))
            return true;
    return false;
}

static void meet_named(struct walk *walk, char *const *names) {
    for (size_t i = 0; names && names[i]; i++) {
        const struct channel *channel =
            notifier_find_channel(walk->matter->notifier, names[i]);
        if (channel)
            meet_channel(walk, channel);
    }
}

static void meet_usual(struct walk *walk) {
    const struct notifier *notifier = walk->matter->notifier;
    const struct channel *channel;
    size_t at = 0;

    while ((channel = notifier_next_channel(notifier, &at)))
        if (walk->incident->severity >= channel->severity &&
            is_selected(notifier, channel, walk->incident))
            meet_channel(walk, channel);
}

static void meet_all(struct matter *matter,
                     const struct incident *incident,
                     const struct rule *rule) {
    struct walk walk = { .matter = matter, .incident = incident };

    list_for_each_safe(node, after, &matter->deliveries)
        container_of(node, struct delivery, in_matter)
            ->is_meant = false;
    if (rule && rule->owner[0])
        meet_people(&walk, notifier_find_channel(matter->notifier, "people"),
                    rule->owner);
    if (rule && rule->channels && rule->channels[0])
        meet_named(&walk, rule->channels);
    else if (!rule || !rule->owner[0])
        meet_usual(&walk);
    walk.is_escalation = true;
    if (rule)
        meet_named(&walk, rule->escalate_to);
}

/* --- what is done --- */

static const struct rule *rule_of(const struct notifier *notifier,
                                  const struct incident *incident) {
    const struct alerts *alerts = notifier->config.alerts;

    return alerts ? alerts_find_rule(alerts, incident->rule) : NULL;
}

/* A node that itself is what others depend on is told of. */
static bool is_muted(const struct notifier *notifier,
                     const struct incident *incident,
                     const struct rule *rule) {
    const struct notifier_config *config = &notifier->config;

    if (!rule || !rule->depends_on[0] ||
        config->is_meant(config->arg, rule->depends_on, incident->node))
        return false;
    return config->is_offline(config->arg, rule->depends_on);
}

static int64_t first_due(const struct matter *matter) {
    int64_t first_ms = 0;

    list_for_each_safe(node, after, &matter->deliveries) {
        const struct delivery *other = container_of(node, struct delivery, in_matter);
        if (!other->is_escalation && other->told.due_ms > 0 &&
            (first_ms == 0 || other->told.due_ms < first_ms))
            first_ms = other->told.due_ms;
    }
    return first_ms;
}

struct decision matter_decide(const struct delivery *delivery,
                              const struct incident *incident,
                              int64_t now_ms) {
    const struct matter *matter = delivery->matter;
    const struct notifier *notifier = matter->notifier;
    struct target *target = delivery->parcel.target;
    const struct rule *rule = rule_of(notifier, incident);
    const struct told *told = &delivery->told;
    const struct decision_input input = {
        .severity = incident->severity,
        .state = incident->state,
        .version = incident->version,
        .touched = matter->touched,
        .started_ms = incident->started_ms,
        .is_history = incident->is_history,
        .found_at_join = incident->found_at_join,
        .is_asleep = incident->sleeps,
        .is_acknowledged = incident->acknowledged_by[0] != '\0',
        .silenced_until_ms = silences_until(notifier->silences, incident, now_ms),
        .is_muted = is_muted(notifier, incident, rule),
        .muted_ms = matter->muted_ms,
        .repeat_ms = rule ? rule->repeat_ms : 0,
        .escalate_ms = rule ? rule->escalate_ms : 0,
        .manner = target_manner(target),
        .is_escalation = delivery->is_escalation,
        .escalation_ms = delivery->is_escalation ? first_due(matter) : 0,
        .quiet_until_ms = target_quiet_until(target, now_ms),
        .is_full = target_is_full(target, now_ms),
        .gather = told->gather,
        .due_ms = told->due_ms,
        .told_ms = told->told_ms,
        .told_version = told->version,
        .last_ms = told->last_ms,
        .edited_ms = told->edited_ms,
    };
    return decision_make(&input, now_ms);
}

static void come_again(struct matter *matter, int64_t next_ms) {
    if (next_ms > 0 && (matter->next_ms == 0 || next_ms < matter->next_ms))
        matter->next_ms = next_ms;
}

static void send(struct delivery *delivery,
                 const struct incident *incident,
                 int64_t now_ms) {
    bool is_critical = incident->severity == INCIDENT_CRITICAL;

    if (delivery->told.due_ms == 0) {
        delivery->told.due_ms = now_ms;
        delivery->told.is_escalation = delivery->is_escalation;
        delivery->matter->is_dirty = true; /* escalations count from now on */
        if (!is_critical)
            target_count(delivery->parcel.target, now_ms);
    }
    flight_queue(&delivery->parcel, is_critical);
}

static void act(struct delivery *delivery,
                const struct incident *incident,
                int64_t now_ms) {
    if (delivery->parcel.is_flying)
        return; /* looked at again when it has landed */
    struct decision decision = matter_decide(delivery, incident, now_ms);
    switch (decision.act) {
    case DECISION_NEVER:
        matter_drop_delivery(delivery);
        break;
    case DECISION_WAIT:
        flight_forget(&delivery->parcel);
        come_again(delivery->matter, decision.next_ms);
        break;
    case DECISION_GATHER:
        flight_forget(&delivery->parcel);
        digest_gather(delivery, decision.gather, incident, now_ms);
        break;
    case DECISION_BEGIN:
    case DECISION_EDIT:
    case DECISION_REPEAT:
    case DECISION_END:
        send(delivery, incident, now_ms);
        break;
    }
}

static bool is_flying(const struct matter *matter) {
    list_for_each_safe(
        node, after,
        &matter->deliveries) if (container_of(node, struct delivery, in_matter)
                                     ->parcel.is_flying) return true;
    return false;
}

void matter_look_at(struct delivery *delivery, int64_t now_ms) {
    struct matter *matter = delivery->matter;
    const struct incident *incident =
        incidents_by_id(matter->notifier->config.incidents, matter->id);

    if (incident && !matter->is_dirty &&
        (delivery->is_meant || incident->state == INCIDENT_RESOLVED))
        act(delivery, incident, now_ms);
    else
        matter->is_dirty = true;
}

void matter_look(struct matter *matter, int64_t now_ms) {
    struct notifier *notifier = matter->notifier;
    const struct incident *incident =
        incidents_by_id(notifier->config.incidents, matter->id);

    if (!incident) { /* a flight finds no delivery when it lands */
        matter_drop(matter);
        return;
    }
    const struct rule *rule = rule_of(notifier, incident);
    if (is_muted(notifier, incident, rule))
        matter->muted_ms = now_ms;
    if (matter->is_about && incident->state == INCIDENT_FIRING && !incident->is_history)
        meet_all(matter, incident, rule);
    matter->is_about = false;
    matter->is_dirty = false;
    matter->next_ms = 0;
    list_for_each_safe(node, after, &matter->deliveries) {
        struct delivery *delivery = container_of(node, struct delivery, in_matter);
        if (delivery->is_meant || incident->state == INCIDENT_RESOLVED)
            act(delivery, incident, now_ms);
    }
    if (incident->state == INCIDENT_RESOLVED && list_is_empty(&matter->deliveries) &&
        !is_flying(matter))
        matter_drop(matter);
}
