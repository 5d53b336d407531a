/*
 * intake - what the messages of a Samples stream do
 *
 * Decodes rows, places them in time, puts them into the history (and into the remote
 * writer's queue), and shows those that are of now: node->latest and the registry's
 * watchers. It trusts nothing that comes; what makes no sense has a text that says why.
 * It does no I/O of its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "roost/v1/host.pb-c.h"

struct activity;
struct alerts_row;
struct history;
struct intake;
struct loop;
struct node;
struct registry;
struct remote_writer;
struct timekeeper;

enum {
    INTAKE_E_BAD = 1, /* intake_fault() says what is wrong with it */
    INTAKE_E_HOLE,    /* rows are missing: ask anew from what is durable */
    INTAKE_E_FULL,    /* too much waits for the disk: ask anew, later */
};

enum { INTAKE_FULL_MS = 10000 }; /* a disk is not cleared faster */

/* What all streams share. Borrowed pointers, all outlive them. */
struct intake_shared {
    struct loop *loop;
    struct registry *registry;
    struct activity *activity;
    struct history *history;
    struct timekeeper *timekeeper;
    struct remote_writer *writer; /* NULL: samples go nowhere else */
    /* Judges a row that was taken into the history; NULL: nobody does. */
    void (*judge)(void *arg, const struct alerts_row *row);
    void *judge_arg;
    uint64_t ack_ms;  /* at least, between two acknowledgements */
    unsigned full_ms; /* before a full disk is tried again; 0: INTAKE_FULL_MS */
};

/* How long to wait after INTAKE_E_FULL, or while it is starved. */
unsigned intake_pause_ms(const struct intake_shared *shared);

/* shared and node are borrowed and outlive it. */
struct intake *intake_new(const struct intake_shared *shared, struct node *node);

/* NULL is fine; always returns NULL. */
struct intake *intake_free(struct intake *intake);

/* A new stream begins: its first message is a catalogue. */
void intake_begin(struct intake *intake);

/* One message, packed: 0 or INTAKE_E_*. After one of those only intake_begin() makes
 * sense. */
int intake_take(struct intake *intake, struct slice message);

/* The same of one that is unpacked already. */
int intake_take_message(struct intake *intake, const Roost__V1__SamplesResponse *message);

/* What was wrong. Lent: static. */
const char *intake_fault(const struct intake *intake);

/* Rows are shown but not kept just now, for too much waits for the disk. */
bool intake_is_starved(const struct intake *intake);

/* Bytes of rows that were of a spool, since the stream began or this was asked with
 * forget. */
size_t intake_replayed(struct intake *intake, bool forget);
