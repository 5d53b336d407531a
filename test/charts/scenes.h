/*
 * scenes - charts of invented data that is always the same
 *
 * The reference pictures, the look at every case, and the bench all draw these.
 */
#pragma once

#include <stddef.h>

#include "draw/chart.h"

struct buf;

/* The name of a scene, NULL past the last one. */
const char *scenes_name(size_t place);

/* Draws a scene: 0, -ENOENT when there is no such scene, or chart_render()'s answer. */
int scenes_render(const char *name, struct buf *png);
