/*
 * digest - several incidents in one message to a receiver
 *
 * Because they came in his quiet hours, or were too many. A chat edits the message as
 * they change and end; by mail and ntfy those that are new go into a further one. Kept as
 * records beside what tells of its members.
 */
#pragma once

#include <stdint.h>

#include "alerts/notifier/decision.h"
#include "alerts/notifier/target.h"

#define DIGEST_SPACE "alerts.digest"

struct buf;
struct delivery;
struct incident;
struct notifier;
struct slice;

enum { DIGEST_MEMBERS_MAX = 50 }; /* told line by line; the rest are counted */

struct digest {
    struct parcel parcel;
    struct list link;          /* in notifier->digests */
    struct list members;       /* deliveries; borrowed: their matters own them */
    struct notifier *notifier; /* borrowed: owns it */
    uint64_t id;
    enum decision_gather gather;
    char *message;   /* owned; "" before it was sent */
    int64_t due_ms;  /* to be sent, or edited; 0: nothing has changed */
    int64_t made_ms; /* was sent; 0: not yet */
    int64_t edited_ms;
};

/* Puts the delivery into the digest that fits, or lets its digest know that it changed.
 */
void digest_gather(struct delivery *delivery,
                   enum decision_gather gather,
                   const struct incident *incident,
                   int64_t now_ms);

/* The delivery goes. */
void digest_leave(struct delivery *delivery);

/* A delivery that was read back finds its digest; and a digest is read back. */
void digest_rejoin(struct delivery *delivery);
void digest_load(struct notifier *notifier, const char *key, struct slice value);

/* Keeps its record. */
void digest_keep(const struct digest *digest);

struct digest *digest_free(struct digest *digest);

/* Sends those that are due and forgets those that are over. When to come again; 0. */
int64_t digest_look(struct notifier *notifier, int64_t now_ms);

/* What it says now; appends. False: nothing. */
bool digest_print(const struct digest *digest,
                  int64_t now_ms,
                  struct buf *ret_title,
                  struct buf *ret_text);

/* It was sent as it was then. */
void digest_sent(struct digest *digest, const char *message, int64_t now_ms);
