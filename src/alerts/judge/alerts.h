/*
 * alerts - the judge: rows of samples in, incidents out
 *
 * Runs on the samples' own time, so that what is replayed after an outage is judged as if
 * it had come in time: a condition that has passed meanwhile is history, one that still
 * holds fires once. State that is not simply "all well" is kept with the cursor of its
 * samples. What is judged by the hub's clock (offline, absence) waits 3 minutes after
 * the start. It does no I/O and reads no clock: times are given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct alerts;
struct incidents;
struct records;
struct rule;

enum { ALERTS_START_MS = 180000, ALERTS_UPLINK_MS = 30000 };

struct alerts_defaults {
    bool is_off; /* nothing is built in */
    uint64_t offline_grace_ms;
    double disk_percent, disk_clear;
    uint64_t disk_for_ms;
    double memory_percent; /* available less than */
    uint64_t memory_for_ms;
    double temperature;
    uint64_t temperature_for_ms;
    uint64_t unit_for_ms;
};

struct alerts_config {
    struct incidents *incidents; /* borrowed: outlives it */
    struct alerts_defaults defaults;
    int64_t start_ms; /* of the hub, wall time */
    /* A fresh incident of the node: somebody may look at its processes and add them. */
    void (*on_fire)(void *arg, const char *node, uint64_t incident);
    void *arg;
};

/* What is known of a node. Lent. */
struct alerts_node {
    const char *name;
    const char *const *tags;
    size_t tag_count;
    bool is_of_user; /* an agent of one user: no rules on the whole host */
    bool is_online;
    bool is_leaving;   /* it said that it goes: a restart, no loss */
    int64_t since_ms;  /* online or offline, hub's time */
    int64_t joined_ms; /* for the first time */
    const char *why;   /* how its link ended: "no sign of life"; "" */
};

struct alerts_metric {
    const char *name;
    const char *unit;
    unsigned scale;
};

struct alerts *alerts_new(const struct alerts_config *config);
struct alerts *alerts_free(struct alerts *alerts);

/* A record of the store (rules, state): true when the space is ours. */
bool alerts_load(struct alerts *alerts,
                 const char *space,
                 const char *key,
                 struct slice value);

/* All records are there, and all nodes of the hub were put. */
void alerts_start(struct alerts *alerts);

/* May the owner of such a rule have it judged of the node? Asked when rules and nodes are
 * put, and by alerts_look_again(); NULL: yes. */
void alerts_set_sight(struct alerts *alerts,
                      bool (*may_see)(void *arg,
                                      const struct rule *rule,
                                      const char *node),
                      void *arg);

/* Somebody's rights have changed: which rules mean which nodes is asked again. */
void alerts_look_again(struct alerts *alerts, int64_t now_ms);

void alerts_set_defaults(struct alerts *alerts, const struct alerts_defaults *defaults);

/* A node came, changed, was renamed, went. */
void alerts_put_node(struct alerts *alerts,
                     const struct alerts_node *node,
                     int64_t now_ms);
/* Its incidents follow it, or end. */
void alerts_rename_node(struct alerts *alerts, const char *from, const char *to);
void alerts_remove_node(struct alerts *alerts, const char *name, int64_t now_ms);

/*
 * A row that was taken into the history. Which rows were judged is kept with the state:
 * one that comes again after a restart is passed over. Everything is lent for the call.
 */
struct alerts_row {
    const char *node;
    unsigned catalogue; /* counts the node's catalogues: metrics are looked at when it
                           changes */
    const struct alerts_metric *metrics;
    size_t count;
    uint64_t epoch, seq; /* as of the history's cursor */
    int64_t time_ms;
    uint32_t interval_ms;  /* how far apart rows are meant to be */
    const int64_t *values; /* integers times 10^-scale; INT64_MIN: absent */
    bool is_replay;        /* older than what is live */
};
void alerts_take_row(struct alerts *alerts, const struct alerts_row *row);

/* What was found by asking: units that have failed, a probe, a certificate's end. */
struct alerts_finding {
    const char *node;
    const char *series; /* "unit nginx.service", "probe tcp host:22" */
    bool is_bad;
    double value;     /* CERTIFICATE: ms left */
    const char *text; /* "" */
};
void alerts_take_finding(struct alerts *alerts,
                         const struct alerts_finding *finding,
                         int64_t now_ms);

/* What of the findings on this node is bad just now: who finds it well again says so. */
void alerts_each_finding(const struct alerts *alerts,
                         const char *node,
                         void (*visit)(void *arg, const char *series),
                         void *arg);

/* What has to be asked of the node, for whoever asks: visits each unit pattern ("unit
 * *"), probe ("probe tcp host:22") and certificate ("certificate host:443") of its rules,
 * some perhaps twice. */
void alerts_each_question(const struct alerts *alerts,
                          const char *node,
                          void (*visit)(void *arg, const char *series),
                          void *arg);

/* The hub's clock goes on: offline, absence. Returns when to come again, at the latest.
 */
int64_t alerts_tick(struct alerts *alerts, int64_t now_ms);

/*
 * State that changed since the last time goes into the batch, as of incidents_collect().
 * The batch is the history's company: in it is what was judged of rows that may become
 * durable only later.
 */
void alerts_collect(struct alerts *alerts, struct records *ret_records);
void alerts_settle(struct alerts *alerts, bool is_durable);

/* Rules, also before the start. The rule is taken over; its incidents go on if its
 * condition is the same. */
void alerts_put_rule(struct alerts *alerts, struct rule *rule);
bool alerts_remove_rule(struct alerts *alerts, const char *name, int64_t now_ms);
const struct rule *alerts_find_rule(const struct alerts *alerts, const char *name);
const struct rule *alerts_next_rule(const struct alerts *alerts, size_t *at);
/* Is the node one of the rule's? */
bool alerts_is_meant(const struct alerts *alerts, const char *rule, const char *node);
size_t alerts_rule_count(const struct alerts *alerts);
void alerts_count_series(struct alerts *alerts,
                         const char *rule,
                         size_t *ret_series,
                         size_t *ret_firing);
