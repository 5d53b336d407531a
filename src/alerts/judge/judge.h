/*
 * judge - what the judge of rules is made of
 *
 * Private to the files judge*.c, grouping.c and alerts.c. A rule is a tree whose leaves
 * are tests. What the tests of all rules that mean a node look at is compiled, for the
 * metrics that the node has, into a plan: bounds in order, metric by metric, so that a
 * value that moves finds the tests that became true by bisection, and the others cost
 * nothing. A test that is all well is no more than its entry there; one that is not has
 * an active:
 *
 *   well --true--> PENDING --for--> HOLDING --no longer--> CLEARING --a while--> well
 *                     |  not true       ^---------true--------|
 *                     +------> well
 *
 * When a test begins or ends to hold, its rule is looked at: while the whole condition is
 * true of one object ("/home") there is a firing, and of it an incident. Firings of a
 * replay are held until it is known whether they outlive it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerts/judge/alerts.h"
#include "alerts/rules/condition.h"
#include "alerts/rules/rule.h"

struct buf;
struct judge_node;
struct map;

enum {
    JUDGE_LEAVES_MAX = CONDITION_NODES_MAX,
    JUDGE_ACTIVES_MAX = 20000, /* of one node: what its rules may keep in memory */
    JUDGE_GAP_INTERVALS = 3,   /* longer without a row, and nothing lasts over it */
    JUDGE_POINTS_MAX = 360,    /* of a window: 6 hours of minutes */
};

#define JUDGE_ABSENT  INT64_MIN
#define JUDGE_NOWHERE UINT32_MAX

enum {
    JUDGE_CLEAR_MS = 60000,  /* at most: to be well again before it counts */
    JUDGE_VALUE_MS = 60000,  /* between two looks of people at a value */
    JUDGE_LOST_MS = 600000,  /* without a value nobody knows that it is still so */
    JUDGE_JOIN_MS = 120000,  /* what is found by asking until then was so at the join */
    JUDGE_FRESH_MS = 600000, /* a node whose first row comes later is no new one */
    JUDGE_STALL_MS = 60000,  /* no row of a node that is online */
};

struct judge_leaf {
    const struct condition *test; /* borrowed: of the rule */
    char *target;                 /* owned: what findings are called; NULL of a metric */
    bool is_glob;
};

struct judge_rule {
    struct rule *rule; /* owned */
    struct judge_leaf leaves[JUDGE_LEAVES_MAX];
    size_t leaf_count;
    bool has_offline, has_absent, has_finding;
    bool is_dirty, is_in_batch;
    bool is_touched;       /* one of its tests began or ends to hold */
    uint64_t number;       /* never used again: says which condition it is */
    uint64_t mark;         /* of the last match that found it there */
    size_t series, firing; /* as they were counted last */
};

enum judge_state { JUDGE_PENDING = 1, JUDGE_HOLDING, JUDGE_CLEARING };

/* A test of one series that is not simply well. */
struct judge_active {
    struct judge_rule *rule; /* borrowed: of the alerts */
    unsigned leaf;
    uint32_t entry; /* in the plan; JUDGE_NOWHERE */
    char *series;   /* owned */
    char *text;     /* owned: what a finding said; NULL */
    enum judge_state state;
    bool is_of_join; /* was so when the node came */
    bool is_true;    /* FINDING: as it was told last */
    double value;
    int64_t since_ms;  /* it is true */
    int64_t clear_ms;  /* CLEARING: it is not */
    int64_t absent_ms; /* it has no value; 0: it has */
};

enum judge_cover { JUDGE_OWN, JUDGE_OF_JOIN, JUDGE_OF_UPLINK };

/* A condition that is true of one object. */
struct judge_firing {
    struct judge_rule *rule; /* borrowed */
    char *series;            /* owned */
    char *object;            /* owned: "/home"; NULL: of the whole node */
    char *text;              /* owned: of one that is held, what it would say; NULL */
    int64_t since_ms;
    int64_t fired_ms;
    uint64_t incident; /* 0: nobody was told */
    enum judge_cover cover;
    bool is_held; /* fired in a replay that goes on */
};

/* The last values of one series, for a rate or a forecast. */
struct judge_window {
    struct judge_rule *rule; /* borrowed */
    unsigned leaf;
    uint32_t entry;
    char *series;      /* owned */
    int64_t *times_ms; /* owned */
    double *values;    /* owned */
    size_t count, cap;
};

struct judge_node {
    char *name;  /* owned */
    char *why;   /* owned */
    char **tags; /* owned, NULL-terminated; or NULL */
    bool is_of_user, is_online, is_leaving, is_stale, sleeps;
    bool is_put; /* the hub has such a node */
    bool is_dirty, is_in_batch;
    int64_t node_since_ms;
    int64_t joined_ms;
    int64_t first_ms;          /* its first row ever; 0: before our time */
    struct judge_rule **rules; /* owned array of borrowed ones: those that mean it */
    size_t rule_count, rule_cap;
    struct judge_plan *plan; /* a reference; NULL before the first row */
    unsigned catalogue;
    int64_t *last;  /* owned: of each metric of the plan */
    uint64_t *bits; /* owned: entries of the plan that are active */
    uint64_t epoch, seq;
    int64_t last_ms; /* of the last row; 0 */
    uint32_t interval_ms;
    struct judge_active **actives; /* owned, and so are they */
    size_t active_count, active_cap;
    struct judge_firing **firings; /* owned, and so are they */
    size_t firing_count, firing_cap;
    struct judge_window **windows; /* owned, and so are they */
    size_t window_count, window_cap;
};

struct alerts {
    struct alerts_config config;
    struct map *rules;   /* owned, and so are they */
    struct map *nodes;   /* owned, and so are they */
    struct map *plans;   /* owned; the plans are of the nodes */
    struct map *waiting; /* owned: records of nodes, read when all rules are there */
    struct map *gone;    /* owned: keys of records to be removed, "space\tkey" */
    uint64_t last_number, mark;
    int64_t now_ms;     /* as of the last tick */
    int64_t counted_ms; /* when the rules' series were counted; 0 */
    /* NULL: yes */
    bool (*may_see)(void *arg, const struct rule *rule, const char *node);
    void *may_see_arg;
    bool is_started;
    struct judge_rule **touched; /* owned array of borrowed ones */
    size_t touched_count;
    struct map *gone_in_batch; /* owned: likewise, on their way to the disk */
    int64_t uplink_back_ms;    /* most of those lost together are back; 0 */
};

/* judge.c: rules, actives, firings */
struct judge_rule *judge_rule_new(struct alerts *alerts, struct rule *rule);
/* Puts another rule of the same condition in its place. */
void judge_rule_replace(struct judge_rule *rule, struct rule *by);
struct judge_rule *judge_rule_free(struct judge_rule *rule);
/* What is named behind the colon; NULL. */
const char *judge_object(const char *series);
struct judge_active *judge_find(const struct judge_node *node,
                                const struct judge_rule *rule,
                                unsigned leaf,
                                const char *series);
/* NULL: there are too many. */
struct judge_active *judge_begin(struct judge_node *node,
                                 struct judge_rule *rule,
                                 unsigned leaf,
                                 const char *series,
                                 int64_t since_ms);
void judge_drop(struct judge_node *node, struct judge_active *active);

/* What a test says now. */
struct judge_look {
    bool is_true;
    bool is_still; /* true, or not yet beyond where it clears */
    double value;
    int64_t time_ms;
    bool is_break;  /* what lasts begins anew */
    bool is_replay; /* firings are held */
};
/* The active goes on, or ends (false). */
bool judge_step(struct alerts *alerts,
                struct judge_node *node,
                struct judge_active *active,
                const struct judge_look *look);
/* It ends, whatever it was; why for the timeline. */
void judge_end(struct alerts *alerts,
               struct judge_node *node,
               struct judge_active *active,
               int64_t time_ms,
               bool is_replay,
               const char *why);
bool judge_holds(const struct judge_active *active);

/* judge_fire.c: whole conditions */

/* When something is looked at. */
struct judge_moment {
    int64_t time_ms;
    bool is_replay;
    const char *why; /* for the timeline of what ends; NULL */
};
/* A test began or ends to hold. A condition of several is looked at when all of its tests
 * had their turn: judge_fire_settle(). */
void judge_fire_look(struct alerts *alerts,
                     struct judge_node *node,
                     const struct judge_active *active,
                     const struct judge_moment *moment);
void judge_fire_settle(struct alerts *alerts,
                       struct judge_node *node,
                       const struct judge_moment *moment);
/* Tells of those that a replay held. */
void judge_fire_held(struct alerts *alerts, struct judge_node *node, int64_t time_ms);
void judge_fire_end(struct alerts *alerts,
                    struct judge_node *node,
                    struct judge_firing *firing,
                    int64_t time_ms,
                    const char *why);
/* Opens its own incident. */
void judge_fire_tell(struct alerts *alerts,
                     struct judge_node *node,
                     struct judge_firing *firing,
                     int64_t time_ms);
void judge_fire_values(struct alerts *alerts, struct judge_node *node, int64_t time_ms);
void judge_fire_free(struct judge_firing *firing);
/* An empty one, of the node. */
struct judge_firing *judge_fire_add(struct judge_node *node);
/* Is the leaf part of what this firing says? */
struct judge_active *judge_fire_leaf(const struct judge_node *node,
                                     const struct judge_firing *firing,
                                     unsigned leaf);

/* judge_text.c */
void judge_text_of(const struct judge_node *node,
                   const struct judge_firing *firing,
                   int64_t now_ms,
                   struct buf *out);

/* judge_node.c */
struct judge_node *judge_node_get(struct alerts *alerts, const char *name);
struct judge_node *judge_node_free(struct alerts *alerts, struct judge_node *node);
void judge_node_match(struct alerts *alerts, struct judge_node *node);
/* The rule is new to the node, or means it no longer. */
void judge_node_add_rule(struct judge_node *node, struct judge_rule *rule);
void judge_node_forget_rule(struct alerts *alerts,
                            struct judge_node *node,
                            struct judge_rule *rule,
                            int64_t now_ms,
                            const char *why);
bool judge_node_is_meant(const struct alerts *alerts,
                         const struct judge_node *node,
                         const struct rule *rule);

/* judge_plan.c */
struct judge_entry {
    int64_t bound;           /* true above, or below, or at it */
    struct judge_rule *rule; /* borrowed */
    uint16_t leaf;
    uint16_t metric; /* place in the catalogue; UINT16_MAX: it has no such */
};

/* Where the entries of one metric lie: above, below, equal, unequal. */
struct judge_range {
    uint32_t first[5]; /* the fifth is the end */
    uint16_t metric;
};

struct judge_plan {
    unsigned refs;
    char *key;                     /* owned */
    struct alerts_metric *metrics; /* owned, with its texts */
    size_t metric_count;
    struct judge_entry *entries; /* owned */
    size_t entry_count;
    struct judge_range *ranges; /* owned: of metrics that are looked at */
    size_t range_count;
    uint32_t absents, windows; /* where those entries begin: behind the others */
};

void judge_plan_take(struct alerts *alerts,
                     struct judge_node *node,
                     const struct alerts_row *row);
void judge_plan_release(struct alerts *alerts, struct judge_plan *plan);
/* The place of the entry; JUDGE_NOWHERE. */
uint32_t judge_plan_find(const struct judge_plan *plan,
                         const struct judge_rule *rule,
                         unsigned leaf,
                         const char *series);
/* Compares a value with a number that has decimals: what is above the answer is more. */
int64_t judge_plan_bound(enum condition_operator op, double number, unsigned scale);
double judge_plan_value(const struct judge_plan *plan, unsigned metric, int64_t value);

/* judge_row.c */
void judge_row_take(struct alerts *alerts,
                    struct judge_node *node,
                    const struct alerts_row *row);

/* judge_window.c */
struct judge_window *judge_window_free(struct judge_window *window);
struct judge_window *judge_window_get(struct judge_node *node,
                                      struct judge_rule *rule,
                                      unsigned leaf,
                                      const char *series);
void judge_window_add(struct judge_window *window, int64_t time_ms, double value);
/* Takes the value in; true when *ret_look could be filled. */
bool judge_window_look(struct judge_node *node,
                       struct judge_window *window,
                       int64_t time_ms,
                       double value,
                       struct judge_look *ret_look);
/* Each test that needs one has its window; those of metrics that went are forgotten. */
void judge_window_attach(struct judge_node *node);
void judge_window_forget_rule(struct judge_node *node, const struct judge_rule *rule);

/* judge_clock.c */
void judge_clock_tick(struct alerts *alerts, int64_t now_ms);
void judge_clock_node(struct alerts *alerts, struct judge_node *node, int64_t now_ms);
void judge_clock_finding(struct alerts *alerts,
                         struct judge_node *node,
                         const struct alerts_finding *finding,
                         int64_t now_ms);

/* judge_state.c: what is kept of a node */
void judge_state_write(const struct judge_node *node, struct buf *out);
void judge_state_read(struct alerts *alerts, struct judge_node *node, const char *text);
