/*
 * activity - the append-only record of what happened
 *
 * Keeps the newest events in memory for those who watch, and hands every event to the
 * keeper (the store).
 */
#pragma once

#include <stdint.h>

#include "base/list.h"

struct activity;

struct activity_event {
    uint64_t id; /* counts up over restarts */
    int64_t time_ms;
    const char *kind;   /* "node.registered" */
    const char *node;   /* "" when of no node */
    const char *actor;  /* "" for the hub itself */
    const char *text;   /* one line for a person */
    const char *method; /* of acts; NULL else, and so are the rest */
    const char *arguments;
    unsigned status;
    uint64_t duration_us;
    uint64_t act_id; /* under which it was noted as begun; 0: it was not */
};

/* An act for the record, as in the event. */
struct activity_act {
    const char *kind;
    const char *node;
    const char *actor;
    const char *method;
    const char *arguments;
    unsigned status;
    uint64_t duration_us;
    uint64_t act_id;
};

/* Told of each event; embedded in whoever watches. The event is lent. */
struct activity_watcher {
    struct list node;
    void (*on_event)(struct activity_watcher *watcher,
                     const struct activity_event *event);
};

/* next_id follows the last event that was kept. */
struct activity *activity_new(uint64_t next_id,
                              void (*keep)(void *arg, const struct activity_event *event),
                              void *arg);

/* Asserts that nobody watches any more. Always returns NULL. */
struct activity *activity_free(struct activity *activity);

/* Records an event of now; control characters in the text become spaces. */
void activity_add(struct activity *activity,
                  const char *kind,
                  const char *node,
                  const char *actor,
                  const char *format,
                  ...) __attribute__((format(printf, 5, 6)));

/* The same of an act. */
void activity_add_act(struct activity *activity,
                      const struct activity_act *act,
                      const char *format,
                      ...) __attribute__((format(printf, 3, 4)));

void activity_watch(struct activity *activity, struct activity_watcher *watcher);
void activity_unwatch(struct activity_watcher *watcher);
