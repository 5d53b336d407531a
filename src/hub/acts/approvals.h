/*
 * approvals - acts that wait for somebody's word
 *
 * An act on a node whose tag demands a second person's consent, or that needs an
 * operator's signature, is held by whoever leads it, and stands here until it is decided:
 * approved, rejected, or lapsed when the time is over or its caller leaves. Nothing of
 * this survives the hub: what was held has not begun.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/settings.h"
#include "base/slice.h"
#include "loop/timer.h"

struct activity;
struct actor;
struct approvals;
struct loop;
struct node;
struct registry;

enum {
    APPROVALS_MAX = 100,       /* held at the same time: each has up to 64 KiB */
    APPROVALS_OF_ONE_MAX = 10, /* of one caller */
    APPROVALS_ID_LEN = 12,
};

enum approvals_state {
    APPROVALS_WAITING = 1,
    APPROVALS_APPROVED,
    APPROVALS_REJECTED,
    APPROVALS_LAPSED
};

/* One act that waits. For reading; given away with the decision. */
struct approvals_item {
    struct list in_list;
    struct approvals *approvals; /* borrowed: owns us */
    char id[APPROVALS_ID_LEN + 1];
    enum approvals_state state;
    char *node; /* owned; the rest too */
    char *method;
    uint8_t *request; /* as it will be sent, unpacked from its frame */
    size_t request_len;
    char *json;
    char *tag;           /* "": nobody's consent is needed */
    char *decided_by;    /* "": nobody yet */
    struct actor *asker; /* reference */
    bool needs_signature;
    int64_t asked_ms;
    int64_t expires_ms;
    struct timer late;
    /* Decided: signature is packed, of an approval that needs one, else empty. The item
     * is gone afterwards. NULL: who asked has gone. */
    void (*on_decided)(void *arg,
                       const struct approvals_item *item,
                       struct slice signature,
                       const char *why);
    void *arg; /* borrowed: until on_decided */
};

/* Told of each that comes and each that is decided; embedded in whoever watches. */
struct approvals_watcher {
    struct list node;
    void (*on_change)(struct approvals_watcher *watcher,
                      const struct approvals_item *item);
};

struct approvals_config { /* all borrowed, all outlive it */
    struct loop *loop;
    struct registry *registry;
    struct activity *activity;
    const struct settings_list *tags; /* acts on nodes with one of them wait */
    uint64_t wait_ms;
};

struct approvals_question {
    const struct node *node;
    const char *method;
    struct slice request;
    const char *json;
    const char *tag; /* or NULL */
    bool needs_signature;
    struct actor *asker;
    void (*on_decided)(void *arg,
                       const struct approvals_item *item,
                       struct slice signature,
                       const char *why);
    void *arg;
};

struct approvals *approvals_new(const struct approvals_config *config);

/* All that wait must have been dropped. NULL is fine; always returns NULL. */
struct approvals *approvals_free(struct approvals *approvals);

/* Other settings, borrowed like those of the config. */
void approvals_set(struct approvals *approvals,
                   const struct settings_list *tags,
                   uint64_t wait_ms);

/* Is this a tag for which acts wait? */
bool approvals_is_tag(const struct approvals *approvals, const char *tag);

/* The tag of the node that demands a second person's word; NULL: none. Lent: the node. */
const char *approvals_tag_of(const struct approvals *approvals, const struct node *node);

/* Puts the act to whoever may decide; NULL: too many wait. Lent. */
struct approvals_item *approvals_ask(struct approvals *approvals,
                                     const struct approvals_question *question);

/* Who asked has gone; nobody is called back. */
void approvals_drop(struct approvals_item *item);

/* May the actor know of it: his own, or he is an operator there? */
bool approvals_may_see(const struct approvals *approvals,
                       const struct approvals_item *item,
                       const struct actor *actor);

/* By id or the first 4 and more characters of one, among those that the actor may know;
 * NULL: none, or several. */
struct approvals_item *approvals_find(const struct approvals *approvals,
                                      const struct actor *actor,
                                      const char *id);

/* What keeps the actor from approving it; NULL: nothing. */
const char *approvals_fault(const struct approvals *approvals,
                            const struct approvals_item *item,
                            const struct actor *actor,
                            struct slice signature);

/* Decides; the item is gone afterwards. */
void approvals_decide(struct approvals_item *item,
                      enum approvals_state state,
                      const struct actor *actor,
                      struct slice signature,
                      const char *why);

/* Walks, the oldest first: NULL at the end. Begins with NULL. */
struct approvals_item *approvals_next(const struct approvals *approvals,
                                      const struct approvals_item *item);

void approvals_watch(struct approvals *approvals, struct approvals_watcher *watcher);
void approvals_unwatch(struct approvals_watcher *watcher);
