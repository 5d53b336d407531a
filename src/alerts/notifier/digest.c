#include "alerts/notifier/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/notifier/flight.h"
#include "alerts/notifier/matter.h"
#include "alerts/notifier/notifier_private.h"
#include "base/mem.h"
#include "base/varint.h"

enum {
    FORM = 1,
    FIELDS = 5,
    ID_LEN = 24,
    MANY_MS = 60000,        /* collected for so long, and between edits */
    MANY_STEPS_MS = 600000, /* the same where each is a message more */
    HOUR_MS = 3600000,      /* after that a new one begins */
};

static const struct incident *incident_of(const struct delivery *delivery) {
    const struct matter *matter = delivery->matter;

    return incidents_by_id(matter->notifier->config.incidents, matter->id);
}

/* --- records --- */

static void print_key(const struct digest *digest, char ret_key[static ID_LEN]) {
    snprintf(ret_key, ID_LEN, "%llu", (unsigned long long)digest->id);
}

static void add_text(struct buf *out, const char *text) {
    buf_add(out, text, strlen(text) + 1);
}

void digest_keep(const struct digest *digest) {
    const uint64_t fields[FIELDS] = { FORM, (uint64_t)digest->gather,
                                      (uint64_t)digest->due_ms, (uint64_t)digest->made_ms,
                                      (uint64_t)digest->edited_ms };
    struct buf value = { 0 };
    char key[ID_LEN];

    for (size_t i = 0; i < FIELDS; i++)
        varint_add(&value, fields[i]);
    add_text(&value, digest->parcel.target->key);
    add_text(&value, digest->message);
    print_key(digest, key);
    notifier_keep(digest->notifier, DIGEST_SPACE, key, &value);
    buf_done(&value);
}

static struct digest *make(struct notifier *notifier,
                           struct target *target,
                           uint64_t id,
                           enum decision_gather gather) {
    struct digest *digest = mem_new(sizeof(*digest));

    *digest = (struct digest) { .notifier = notifier, .id = id, .gather = gather };
    digest->parcel.target = target;
    digest->parcel.digest = digest;
    list_init(&digest->members);
    list_add_tail(&notifier->digests, &digest->link);
    if (id > notifier->last_digest)
        notifier->last_digest = id;
    return digest;
}

static const char *take_text(struct slice *bytes) {
    const char *text = (const char *)bytes->at;
    const void *end = bytes->len > 0 ? memchr(text, '\0', bytes->len) : NULL;

    if (!end)
        return NULL;
    *bytes = slice_after(*bytes, strlen(text) + 1);
    return text;
}

void digest_load(struct notifier *notifier, const char *key, struct slice value) {
    uint64_t fields[FIELDS];
    uint64_t id = strtoull(key, NULL, 10);

    for (size_t i = 0; i < FIELDS; i++)
        if (!varint_take(&value, &fields[i]))
            return;
    const char *target = take_text(&value);
    const char *message = target ? take_text(&value) : NULL;
    if (fields[0] != FORM || id == 0 || fields[1] > DECISION_MANY || !message)
        return;
    struct digest *digest = make(notifier, target_by_key(notifier, target), id,
                                 (enum decision_gather)fields[1]);
    digest->due_ms = (int64_t)fields[2];
    digest->made_ms = (int64_t)fields[3];
    digest->edited_ms = (int64_t)fields[4];
    digest->message = mem_strdup(message);
}

/* Records come by space: those of digests before those of what is told. */
void digest_rejoin(struct delivery *delivery) {
    struct notifier *notifier = delivery->matter->notifier;

    if (delivery->told.gather == DECISION_ALONE)
        return;
    list_for_each_safe(node, after, &notifier->digests) {
        struct digest *digest = container_of(node, struct digest, link);
        if (digest->id == delivery->told.digest &&
            digest->parcel.target == delivery->parcel.target) {
            list_add_tail(&digest->members, &delivery->in_digest);
            return;
        }
    }
    delivery->told.gather = DECISION_ALONE; /* gone: told by itself if it was not */
}

struct digest *digest_free(struct digest *digest) {
    list_for_each_safe(node, after, &digest->members) list_remove(node);
    flight_forget(&digest->parcel);
    list_remove(&digest->link);
    free(digest->message);
    free(digest);
    return NULL;
}

void digest_leave(struct delivery *delivery) {
    list_remove(&delivery->in_digest);
}

/* --- members --- */

static bool edits(const struct digest *digest) {
    return target_manner(digest->parcel.target) == DECISION_EDITS;
}

static bool is_open(const struct digest *digest, int64_t now_ms) {
    if (digest->made_ms == 0)
        return true;
    return digest->gather == DECISION_MANY && now_ms - digest->made_ms < HOUR_MS;
}

static struct digest *find(const struct delivery *delivery,
                           enum decision_gather gather,
                           int64_t now_ms) {
    struct notifier *notifier = delivery->matter->notifier;

    list_for_each_safe(node, after, &notifier->digests) {
        struct digest *digest = container_of(node, struct digest, link);
        if (digest->parcel.target == delivery->parcel.target &&
            digest->gather == gather && is_open(digest, now_ms))
            return digest;
    }
    return NULL;
}

static int64_t gap_of(const struct digest *digest) {
    if (digest->gather != DECISION_MANY)
        return DECISION_EDIT_MS;
    return edits(digest) ? MANY_MS : MANY_STEPS_MS;
}

static int64_t begin_at(const struct digest *digest, int64_t now_ms) {
    int64_t quiet_ms = target_quiet_until(digest->parcel.target, now_ms);

    if (digest->gather == DECISION_QUIET)
        return quiet_ms > 0 ? quiet_ms : now_ms;
    return now_ms + gap_of(digest);
}

/* One more of it, or one that changed: when is that told? */
static void set_due(struct digest *digest, int64_t now_ms) {
    int64_t at_ms = digest->edited_ms + gap_of(digest);

    if (digest->made_ms == 0)
        at_ms = begin_at(digest, now_ms);
    if (digest->due_ms == 0 || at_ms < digest->due_ms)
        digest->due_ms = at_ms;
}

static void join(struct delivery *delivery, enum decision_gather gather, int64_t now_ms) {
    struct notifier *notifier = delivery->matter->notifier;
    struct digest *digest = find(delivery, gather, now_ms);

    if (!digest) {
        digest =
            make(notifier, delivery->parcel.target, notifier->last_digest + 1, gather);
        digest->message = mem_strdup("");
    }
    delivery->told.gather = gather;
    delivery->told.digest = digest->id;
    delivery->told.is_escalation = delivery->is_escalation;
    if (delivery->told.due_ms == 0)
        delivery->told.due_ms = now_ms;
    list_add_tail(&digest->members, &delivery->in_digest);
    set_due(digest, now_ms);
    digest_keep(digest);
    matter_keep(delivery);
}

static struct digest *digest_of(const struct delivery *delivery) {
    struct notifier *notifier = delivery->matter->notifier;

    list_for_each_safe(node, after, &notifier->digests) {
        struct digest *digest = container_of(node, struct digest, link);
        if (digest->id == delivery->told.digest)
            return digest;
    }
    return NULL;
}

void digest_gather(struct delivery *delivery,
                   enum decision_gather gather,
                   const struct incident *incident,
                   int64_t now_ms) {
    const struct told *told = &delivery->told;
    bool is_over = incident->state == INCIDENT_RESOLVED;

    if (!list_is_linked(&delivery->in_digest)) {
        join(delivery, gather, now_ms);
    } else if (told->told_ms == 0 || is_over != told->is_over ||
               (told->version < delivery->matter->touched)) {
        struct digest *digest = digest_of(delivery);
        if (digest && (told->told_ms == 0 || edits(digest)))
            set_due(digest, now_ms);
    }
}

/* --- what it says --- */

/* Is this one in the message that is sent now? */
static bool is_in(const struct digest *digest,
                  const struct delivery *delivery,
                  const struct incident *incident,
                  int64_t now_ms) {
    if (!incident)
        return false;
    if (delivery->told.told_ms > 0)
        return edits(digest);
    return matter_decide(delivery, incident, now_ms).act == DECISION_GATHER;
}

bool digest_print(const struct digest *digest,
                  int64_t now_ms,
                  struct buf *ret_title,
                  struct buf *ret_text) {
    const struct notifier *notifier = digest->notifier;
    size_t count = 0;

    list_for_each_safe(node, after, &digest->members) {
        const struct delivery *delivery = container_of(node, struct delivery, in_digest);
        const struct incident *incident = incident_of(delivery);
        if (!is_in(digest, delivery, incident, now_ms))
            continue;
        struct telling telling = notifier_telling(notifier, incident, TELLING_NOW);
        if (count++ < DIGEST_MEMBERS_MAX)
            telling_line(&telling, ret_text);
    }
    if (count > DIGEST_MEMBERS_MAX)
        buf_printf(ret_text, "… +%zu\n", count - DIGEST_MEMBERS_MAX);
    telling_digest_title(notifier->language, (int)digest->gather, count, ret_title);
    return count > 0;
}

static void mark(struct digest *digest, struct delivery *delivery, int64_t now_ms) {
    const struct incident *incident = incident_of(delivery);

    if (!is_in(digest, delivery, incident, now_ms))
        return;
    if (delivery->told.told_ms == 0) {
        delivery->told.told_ms = now_ms;
        delivery->told.last_ms = now_ms;
    }
    delivery->told.version = incident->version;
    delivery->told.edited_ms = now_ms;
    delivery->told.is_over = incident->state == INCIDENT_RESOLVED;
    matter_keep(delivery);
}

void digest_sent(struct digest *digest, const char *message, int64_t now_ms) {
    list_for_each_safe(node, after, &digest->members)
        mark(digest, container_of(node, struct delivery, in_digest), now_ms);
    if (digest->made_ms == 0)
        digest->made_ms = now_ms;
    digest->edited_ms = now_ms;
    digest->due_ms = 0;
    if (message && *message)
        incident_set(&digest->message, message);
    digest_keep(digest);
}

/* Has everybody of it come to his end, and was that told where it is? */
static bool is_finished(const struct digest *digest) {
    bool is_edited = edits(digest);

    if (digest->parcel.is_flying || digest->due_ms > 0)
        return false;
    list_for_each_safe(node, after, &digest->members) {
        const struct delivery *delivery = container_of(node, struct delivery, in_digest);
        const struct incident *incident = incident_of(delivery);
        bool is_over = !incident || incident->state == INCIDENT_RESOLVED;
        if (!is_over || (incident && is_edited && !delivery->told.is_over))
            return false;
    }
    return true;
}

static void finish(struct digest *digest) {
    char key[ID_LEN];

    list_for_each_safe(node, after, &digest->members) {
        struct delivery *delivery = container_of(node, struct delivery, in_digest);
        struct matter *matter = delivery->matter;
        matter_drop_delivery(delivery);
        if (list_is_empty(&matter->deliveries))
            matter->is_dirty = true;
    }
    print_key(digest, key);
    notifier_keep(digest->notifier, DIGEST_SPACE, key, NULL);
    notifier_look_soon(digest->notifier);
    digest_free(digest);
}

static bool is_critical(const struct digest *digest) {
    list_for_each_safe(node, after, &digest->members) {
        const struct incident *incident =
            incident_of(container_of(node, struct delivery, in_digest));
        if (incident && incident->severity == INCIDENT_CRITICAL)
            return true;
    }
    return false;
}

int64_t digest_look(struct notifier *notifier, int64_t now_ms) {
    int64_t next_ms = 0;

    list_for_each_safe(node, after, &notifier->digests) {
        struct digest *digest = container_of(node, struct digest, link);
        if (is_finished(digest)) {
            finish(digest);
            continue;
        }
        if (digest->due_ms == 0 || digest->parcel.is_flying)
            continue;
        if (digest->due_ms <= now_ms)
            flight_queue(&digest->parcel, is_critical(digest));
        else if (next_ms == 0 || digest->due_ms < next_ms)
            next_ms = digest->due_ms;
    }
    return next_ms;
}
