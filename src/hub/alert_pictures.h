/*
 * alert_pictures - the chart of what an incident is about, around it
 */
#pragma once

#include "base/slice.h"

struct alert_pictures;
struct incident;
struct loop;
struct target;

/* All borrowed, outlive it. gate: gate_inside(). */
struct alert_pictures *alert_pictures_new(struct loop *loop, struct target *gate);

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
