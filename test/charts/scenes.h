/*
 * scenes - charts of invented data that is always the same
 *
 * The reference pictures, the look at every case, and the bench all draw these.
 */
#pragma once

#include <stddef.h>

#include "draw/chart.h"

struct scene;

/* The name of a scene, NULL past the last one. */
const char *scenes_name(size_t place);

/* Builds "NAME", "NAME-light", "NAME-2x" or "NAME-light-2x"; NULL: there is none. */
struct scene *scenes_new(const char *name);
struct scene *scenes_free(struct scene *scene);

/* What chart_render() draws; lent until the scene is freed. */
const struct chart *scenes_chart(const struct scene *scene);
