/*
 * alert_pictures - charts for what is told: around an incident, or of a week
 */
#pragma once

#include <stddef.h>

#include "base/slice.h"

struct actor;
struct alert_pictures;
struct incident;
struct loop;
struct target;

/* All borrowed, outlive it. gate: gate_inside(); actor: the hub itself. */
struct alert_pictures *alert_pictures_new(struct loop *loop,
                                          struct target *gate,
                                          struct actor *actor);

/* Who waits hears at once that there is none. NULL is fine; always returns NULL. */
struct alert_pictures *alert_pictures_free(struct alert_pictures *pictures);

/*
 * Calls done once, later: with a PNG, or with nothing when there is no such series, or
 * nobody has drawn it in time.
 */
void alert_pictures_draw(struct alert_pictures *pictures,
                         const struct incident *incident,
                         void (*done)(void *arg, struct slice png),
                         void *arg);

/*
 * Calls done once, later, with charts of the last week of the selected nodes: processors,
 * memory, disks; those that cannot be drawn are left out.
 */
void alert_pictures_draw_week(struct alert_pictures *pictures,
                              const char *select,
                              void (*done)(void *arg,
                                           const struct slice *pngs,
                                           size_t count),
                              void *arg);
