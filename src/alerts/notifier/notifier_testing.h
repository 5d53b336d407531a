/*
 * notifier_testing - a notifier in a world of a test's own
 *
 * The clock is the test's; it jumps to when the notifier wants to look again. Chats note
 * what they are told, a line each, and fail while they are away. What is kept is kept in
 * memory, so that a further notifier can go on from it.
 */
#pragma once

#include "alerts/notifier/notifier.h"
#include "alerts/rules/rule.h"
#include "alerts/silence/silence.h"
#include "alerts/silence/silences.h"
#include "base/buf.h"
#include "loop/loop.h"
#include "store/records.h"

struct notifier_testing {
    struct loop *loop;
    struct incidents *incidents;
    struct notifier *notifier;
    struct alerts *alerts;
    struct rule *rule;   /* the one rule of all incidents */
    const char *people;  /* "ada bob": who is told in private */
    const char *offline; /* a node that is, or "" */
    int64_t start_ms;    /* lines say minutes since then */
    int64_t now_ms;
    bool is_away; /* chats fail */
    bool is_gone; /* and for good */
    bool is_store_broken;
    unsigned messages;
    unsigned told;    /* how often a chat was called */
    struct buf lines; /* what was told */
    struct buf activity;
    struct records kept;
};

void notifier_testing_open(struct notifier_testing *testing, const char *start);
void notifier_testing_close(struct notifier_testing *testing);

/* Another hub goes on. */
void notifier_testing_restart(struct notifier_testing *testing);

/* Adds a chat channel "ops", or another. */
struct channel *notifier_testing_channel(struct notifier_testing *testing,
                                         const char *name);

/* The channel was changed by the test, and is kept so. */
void notifier_testing_keep(struct notifier_testing *testing,
                           const struct channel *channel);

struct incident *notifier_testing_fire(struct notifier_testing *testing,
                                       const char *node,
                                       const char *series,
                                       enum incident_severity severity);
void notifier_testing_end(struct notifier_testing *testing, struct incident *incident);

/* The incident was changed by the test. */
void notifier_testing_touch(struct notifier_testing *testing,
                            struct incident *incident,
                            enum incident_change change);

/* So many minutes go by. */
void notifier_testing_pass(struct notifier_testing *testing, double minutes);

/* Checks what was told since the last time. */
void notifier_testing_check(struct notifier_testing *testing, const char *lines);
