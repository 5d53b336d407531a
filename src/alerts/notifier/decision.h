/*
 * decision - whether somebody is told of an incident now, later or never
 *
 * A pure function of what is known of the incident, of the receiver, and of what he was
 * told before: the same question gets the same answer, also in the next hub. What waits
 * says until when, at the latest.
 *
 *   firing                              not told: begin, unless silenced, asleep, muted
 *                                       (wait), quiet or too many (one of a digest)
 *                                       told: edit, repeat, escalate
 *   over                                told, or about to be: end; else nothing, for good
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "alerts/incidents/incident.h"

enum {
    DECISION_EDIT_MS = 10000,      /* between edits that only move the value */
    DECISION_DEPENDENCY_MS = 5000, /* to look again at what depends on an offline node */
    DECISION_JOIN_MS = 15000,      /* mail waits for what else is found at join */
    DECISION_BACK_MS = 60000,      /* held for so long after that node is back */
};

enum decision_act {
    DECISION_WAIT,   /* until next_ms, or for a change */
    DECISION_NEVER,  /* it is over, and nobody needs to know: forget it */
    DECISION_BEGIN,  /* the first message */
    DECISION_EDIT,   /* the message as it is now */
    DECISION_REPEAT, /* a message more: it still holds */
    DECISION_END,    /* the last one; then forget it */
    DECISION_GATHER, /* in one message with others: see gather */
};

/* Why a receiver gets several incidents in one message. */
enum decision_gather {
    DECISION_ALONE,
    DECISION_QUIET, /* came in his quiet hours */
    DECISION_MANY,  /* beyond so many an hour */
};

/* What a receiver does with what changes. */
enum decision_manner {
    DECISION_EDITS,  /* a chat: edits its message */
    DECISION_STEPS,  /* mail, ntfy: begin, repeats, end */
    DECISION_STREAM, /* a webhook: every change */
};

/* All that counts. Times are wall time; 0: not so. */
struct decision_input {
    /* The incident. */
    enum incident_severity severity;
    enum incident_state state;
    uint64_t version;
    uint64_t touched; /* the last version that is more than another value */
    int64_t started_ms;
    bool is_history;
    bool found_at_join;
    bool is_asleep; /* an offline incident of a node that sleeps */
    bool is_acknowledged;
    int64_t silenced_until_ms; /* by itself, a silence, a window */
    bool is_muted;             /* what it depends on is offline */
    int64_t muted_ms;          /* the last time that it was found muted */

    /* The rule. */
    uint64_t repeat_ms;
    uint64_t escalate_ms;

    /* The receiver. */
    enum decision_manner manner;
    bool is_escalation;          /* is told only when nobody acknowledged */
    int64_t escalation_ms;       /* the others were told since */
    int64_t quiet_until_ms;      /* his quiet hours end */
    bool is_full;                /* has had as many as he takes in an hour */
    enum decision_gather gather; /* it was put into a digest before */

    /* What he was told. */
    int64_t due_ms; /* it was decided that he is to be told */
    int64_t told_ms;
    uint64_t told_version;
    int64_t last_ms; /* of the last message, edits not counted */
    int64_t edited_ms;
};

struct decision {
    enum decision_act act;
    enum decision_gather gather; /* with DECISION_GATHER */
    int64_t next_ms;             /* look again, at the latest; 0: only when it changes */
};

struct decision decision_make(const struct decision_input *input, int64_t now_ms);
