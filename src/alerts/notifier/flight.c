#include "alerts/notifier/flight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/judge/alerts.h"
#include "alerts/notifier/digest.h"
#include "alerts/notifier/flight_carry.h"
#include "alerts/notifier/matter.h"
#include "alerts/notifier/notifier_private.h"
#include "alerts/rules/rule.h"
#include "base/mem.h"

static const int64_t give_up_ms = INT64_C(86400000); /* a day */

/* --- the queue of a target --- */

void flight_queue(struct parcel *parcel, bool is_critical) {
    struct target *target = parcel->target;

    if (parcel->is_flying)
        return;
    if (!list_is_linked(&parcel->link))
        target->waiting++;
    list_remove(&parcel->link);
    list_add_tail(&target->ready[is_critical ? 0 : 1], &parcel->link);
}

static void take_out(struct parcel *parcel) {
    if (!list_is_linked(&parcel->link))
        return;
    list_remove(&parcel->link);
    parcel->target->waiting--;
}

void flight_forget(struct parcel *parcel) {
    take_out(parcel);
    if (!parcel->is_flying)
        return;
    list_for_each_safe(node, after, &parcel->target->notifier->flights) {
        struct flight *flight = container_of(node, struct flight, link);
        if (flight->parcel == parcel)
            flight->parcel = NULL;
    }
    parcel->is_flying = false;
}

/* --- landing --- */

static struct delivery *delivery_of(const struct flight *flight) {
    if (!flight->parcel || flight->parcel->digest)
        return NULL;
    return container_of(flight->parcel, struct delivery, parcel);
}

static void note_told(struct delivery *delivery,
                      const struct flight *flight,
                      const char *message,
                      int64_t now_ms) {
    struct told *told = &delivery->told;

    if (told->told_ms == 0)
        told->told_ms = now_ms;
    if (flight->act != DECISION_EDIT)
        told->last_ms = now_ms;
    told->edited_ms = now_ms;
    told->version = flight->version;
    if (flight->message_id && !told->message)
        told->message = mem_strdup(flight->message_id);
    else if (!flight->message_id && message && *message)
        incident_set(&told->message, message);
}

static void land_delivery(struct delivery *delivery,
                          const struct flight *flight,
                          const char *message,
                          int64_t now_ms) {
    struct matter *matter = delivery->matter;

    if (flight->act == DECISION_END) {
        matter_drop_delivery(delivery);
        if (list_is_empty(&matter->deliveries))
            matter->is_dirty = true; /* it may go, too */
        return;
    }
    note_told(delivery, flight, message, now_ms);
    matter_keep(delivery);
    matter_look_at(delivery, now_ms);
}

static bool is_for_good(int result) {
    return result == -EPERM || result == -EINVAL;
}

/* It will never be told there: as if it had been, so that nothing is tried again. */
static void lose(struct flight *flight, const char *why, int64_t now_ms) {
    struct delivery *delivery = delivery_of(flight);

    if (flight->act != DECISION_EDIT)
        notifier_note(flight->notifier, "alert.lost", "", "%s was not told: %s",
                      flight->target->key, why);
    if (delivery)
        land_delivery(delivery, flight, "", now_ms);
    else if (flight->parcel)
        digest_sent(flight->parcel->digest, "", now_ms);
}

static int64_t due_of(const struct flight *flight) {
    const struct delivery *delivery = delivery_of(flight);

    if (delivery)
        return delivery->told.last_ms > 0 ? delivery->first_try_ms
                                          : delivery->told.due_ms;
    return flight->parcel ? flight->parcel->digest->due_ms : 0;
}

static void land_failed(struct flight *flight,
                        int result,
                        const char *why,
                        int64_t now_ms) {
    const struct notifier *notifier = flight->notifier;
    struct delivery *delivery = delivery_of(flight);
    uint64_t most_ms = notifier->config.give_up_ms;
    int64_t since_ms = due_of(flight);

    if (!is_for_good(result))
        target_failed(flight->target, why, flight->retry_after_ms);
    if (!flight->parcel)
        return;
    if (is_for_good(result) ||
        (since_ms > 0 &&
         now_ms - since_ms >= (most_ms > 0 ? (int64_t)most_ms : give_up_ms))) {
        lose(flight, why, now_ms);
        return;
    }
    if (delivery) {
        if (delivery->first_try_ms == 0)
            delivery->first_try_ms = now_ms;
        matter_keep(delivery);
        matter_look_at(delivery, now_ms);
    }
}

static void land_well(struct flight *flight, const char *message, int64_t now_ms) {
    struct delivery *delivery = delivery_of(flight);

    target_succeeded(flight->target);
    if (delivery) {
        delivery->first_try_ms = 0;
        land_delivery(delivery, flight, message, now_ms);
    } else if (flight->parcel) {
        digest_sent(flight->parcel->digest, message, now_ms);
    }
}

static void land(struct flight *flight,
                 int result,
                 const char *message,
                 const char *why) {
    struct notifier *notifier = flight->notifier;

    if (notifier) {
        int64_t now_ms = notifier_now(notifier);
        flight->target->flying--;
        if (flight->parcel)
            flight->parcel->is_flying = false;
        if (result == 0)
            land_well(flight, message, now_ms);
        else
            land_failed(flight, result, why ? why : "", now_ms);
        if (flight->done)
            flight->done(flight->done_arg, result, message ? message : "", why);
        notifier_look_soon(notifier);
    }
    flight_carry_free(flight);
}

/* --- leaving --- */

static struct flight *begin(struct target *target, struct parcel *parcel) {
    struct channel *channel = target_channel(target);
    struct buf kept = { 0 };

    struct flight *flight = mem_new(sizeof(*flight));
    channel_write(channel, &kept);
    *flight = (struct flight) {
        .notifier = target->notifier,
        .target = target,
        .parcel = parcel,
        .channel = channel_read(channel->name, buf_slice(&kept)),
        .land = land,
    };
    mem_wipe(kept.data, kept.len);
    buf_done(&kept);
    list_add_tail(&target->notifier->flights, &flight->link);
    target->flying++;
    if (parcel)
        parcel->is_flying = true;
    return flight;
}

static bool is_to_send(enum decision_act act) {
    return act == DECISION_BEGIN || act == DECISION_EDIT || act == DECISION_REPEAT ||
           act == DECISION_END;
}

static const char *note_of(const struct notifier *notifier,
                           const struct incident *incident) {
    const struct alerts *alerts = notifier->config.alerts;
    const struct rule *rule = alerts ? alerts_find_rule(alerts, incident->rule) : NULL;

    return rule ? rule->note : "";
}

/* False: it need not be told any more. */
static bool send_delivery(struct delivery *delivery, int64_t now_ms) {
    struct matter *matter = delivery->matter;
    const struct incident *incident =
        incidents_by_id(matter->notifier->config.incidents, matter->id);

    if (!incident)
        return false;
    struct decision decision = matter_decide(delivery, incident, now_ms);
    if (!is_to_send(decision.act))
        return false;
    struct flight *flight = begin(delivery->parcel.target, &delivery->parcel);
    flight->act = decision.act;
    flight->incident = incident->id;
    flight->version = incident->version;
    flight->is_over = incident->state == INCIDENT_RESOLVED;
    flight->is_first = delivery->told.told_ms == 0;
    flight->stage = decision.act == DECISION_REPEAT               ? TELLING_REPEAT
                    : delivery->is_escalation && flight->is_first ? TELLING_ESCALATION
                                                                  : TELLING_NOW;
    flight->message = mem_strdup(delivery->told.message ? delivery->told.message : "");
    flight->note = mem_strdup(note_of(matter->notifier, incident));
    flight_carry(flight, incident);
    return true;
}

static void send_digest(struct digest *digest, int64_t now_ms) {
    struct buf title = { 0 };
    struct buf text = { 0 };

    if (!digest_print(digest, now_ms, &title, &text)) {
        digest->due_ms = 0;
        buf_done(&title);
        buf_done(&text);
        return;
    }
    struct flight *flight = begin(digest->parcel.target, &digest->parcel);
    flight->act = DECISION_BEGIN;
    flight->title = buf_take_text(&title);
    flight->text = buf_take_text(&text);
    flight->message = mem_strdup(digest->message);
    flight_carry(flight, NULL);
}

static void send_parcel(struct parcel *parcel, int64_t now_ms) {
    take_out(parcel);
    if (parcel->digest) {
        send_digest(parcel->digest, now_ms);
        return;
    }
    struct delivery *delivery = container_of(parcel, struct delivery, parcel);
    if (!send_delivery(delivery, now_ms)) {
        delivery->matter->is_dirty = true;
        notifier_look_soon(delivery->matter->notifier);
    }
}

static struct parcel *next_of(struct target *target) {
    for (size_t i = 0; i < 2; i++)
        if (!list_is_empty(&target->ready[i]))
            return container_of(target->ready[i].next, struct parcel, link);
    return NULL;
}

int64_t flight_pump(struct notifier *notifier, int64_t now_ms) {
    struct target *target;
    int64_t next_ms = 0;
    size_t at = 0;

    while ((target = map_next(notifier->targets, &at, NULL))) {
        struct parcel *parcel;
        while (target_room(target, now_ms) > 0 && (parcel = next_of(target)))
            send_parcel(parcel, now_ms);
        if (target->waiting > 0 && target->retry_ms > now_ms &&
            (next_ms == 0 || target->retry_ms < next_ms))
            next_ms = target->retry_ms;
    }
    return next_ms;
}

void flight_send_note(struct target *target, const struct flight_note *note) {
    struct flight *flight = begin(target, NULL);

    flight->act = DECISION_BEGIN;
    flight->title = mem_strdup(note->title);
    flight->text = mem_strdup(note->text);
    flight->message = mem_strdup("");
    flight->done = note->done;
    flight->done_arg = note->done_arg;
    flight_carry_pictures(flight, note->pictures, note->picture_count);
    flight_carry(flight, NULL);
}

void flight_end_all(struct notifier *notifier) {
    list_for_each_safe(node, after, &notifier->flights) {
        struct flight *flight = container_of(node, struct flight, link);
        flight->parcel = NULL;
        flight->done = NULL;
        flight_carry_abandon(flight);
    }
}
