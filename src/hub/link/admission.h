/*
 * admission - who may hold which name
 *
 * Checks the credential of whoever dials in, exchanges join tokens for credentials, and
 * keeps names apart: a newer session of the same instance takes over at once, another
 * instance under a taken name is refused unless the older session gives no sign of life
 * within 2 s. Which protocol it is asked by, and how the answer is said, is the door's
 * matter (link_door.h for links).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "rpc/link.h"
#include "wire/grpc.h"

struct access;
struct access_token;
struct activity;
struct admission;
struct admission_applicant;
struct registry;
struct session;
struct session_config;
struct store;

enum { ADMISSION_PROBE_MS = 2000 };

struct admission_config { /* all borrowed, all outlive it */
    struct store *store;
    struct access *access;
    struct registry *registry;
    struct activity *activity;
    uint64_t start_number; /* of this hub start: the high half of generations */
};

/* Why somebody is not let in. Everything is lent. */
struct admission_refusal {
    unsigned http_status;
    enum grpc_status status;
    const char *word; /* one of LINK_ERROR_* */
    const char *message;
};

/* How an applicant is answered: once, also from inside admission_ask(). The admission has
 * let go of it by then. */
struct admission_door {
    void (*refuse)(struct admission_applicant *applicant,
                   const struct admission_refusal *why);
    /* It may hold session->node: driver and arg are the door's to set. */
    void (*admit)(struct admission_applicant *applicant, struct session_config *session);
    /* Of a join, with its secret (wiped afterwards), or of a check, without. */
    void (*answer)(struct admission_applicant *applicant,
                   const char *name,
                   const char *secret);
    /* The hub ends: nobody answers any more. */
    void (*forget)(struct admission_applicant *applicant);
};

/* Embedded in what the door knows of it. */
struct admission_applicant {
    const struct admission_door *door; /* borrowed: static */
    struct link_hello hello;           /* its texts are borrowed: the door */
    const char *transport;             /* borrowed: static; "ptth" */
    const char *peer;                  /* borrowed: the door */
    bool is_dialect; /* not our agent: a dialect token lets it in as a node's does */
    /* The admission's own; zeroed at first. */
    struct list node;
    struct admission *admission;       /* borrowed: outlives those who wait */
    struct access_token *token;        /* borrowed: access */
    struct session *rival;             /* borrowed: until its answer */
    struct admission_joining *joining; /* borrowed: until the store has answered */
    char *name;                        /* owned: while it waits */
};

struct admission *admission_new(const struct admission_config *config);

/* Forgets those who wait for an answer. Always returns NULL. */
struct admission *admission_free(struct admission *admission);

/* May it hold the name of its credential? The hello has a credential and an instance. */
void admission_ask(struct admission *admission, struct admission_applicant *applicant);

/* The same without a credential, for a valid name that the door lets it ask for; the node
 * is anonymous, unless it is known. */
void admission_ask_anonymous(struct admission *admission,
                             struct admission_applicant *applicant,
                             const char *name);

/* It has gone before it was answered; harmless when it does not wait. */
void admission_withdraw(struct admission_applicant *applicant);
