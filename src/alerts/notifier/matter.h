/*
 * matter - an incident that somebody is told of, with what each was told
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "alerts/notifier/target.h"
#include "alerts/notifier/told.h"

#define MATTER_SPACE "alerts.told"

struct incident;
struct matter;
struct notifier;
struct slice;

struct delivery {
    struct parcel parcel;
    struct list in_matter;
    struct list in_digest;
    struct matter *matter; /* borrowed: owns it */
    struct told told;
    bool is_escalation;
    bool is_meant;        /* was among the receivers the last time */
    int64_t first_try_ms; /* fails since; 0 */
};

struct matter {
    struct list link;          /* in notifier->matters */
    struct list deliveries;    /* owned */
    struct notifier *notifier; /* borrowed: owns it */
    uint64_t id;
    uint64_t touched; /* the last version that is more than another value */
    int64_t next_ms;  /* look again; 0: not by itself */
    int64_t muted_ms; /* the last time that it was found muted */
    bool is_dirty;    /* look again now */
    bool is_about;    /* who is to be told may have changed */
};

/* The one of that incident; made when it is new. */
struct matter *matter_get(struct notifier *notifier, uint64_t id);

/* Forgets it, and the records of its deliveries. Always returns NULL. */
struct matter *matter_drop(struct matter *matter);

/* The same in memory only, at the end of the notifier. */
struct matter *matter_free(struct matter *matter);

/* A record of a delivery: "ID/TARGET". */
void matter_load(struct notifier *notifier, const char *key, struct slice value);

/* Finds who is to be told, and decides on each of them. May drop the matter. */
void matter_look(struct matter *matter, int64_t now_ms);

/* The same for one of them, which may go. */
void matter_look_at(struct delivery *delivery, int64_t now_ms);

/* What is to be done about this one. */
struct decision matter_decide(const struct delivery *delivery,
                              const struct incident *incident,
                              int64_t now_ms);

void matter_keep(const struct delivery *delivery);

/* The records of what was told this target, removed and put: its key changes between. */
void matter_forget_records(struct matter *matter, const struct target *target);
void matter_keep_records(struct matter *matter, const struct target *target);
void matter_drop_delivery(struct delivery *delivery);
