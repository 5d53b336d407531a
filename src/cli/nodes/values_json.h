/*
 * values_json - the values of a node as one flat JSON object
 *
 * "name", "state", "time" (when there was a sample) and the metric names as keys.
 */
#pragma once

#include "base/buf.h"
#include "cli/nodes/values.h"

/* Appends the object; eol begins each new line ("\n" and the indentation), "" keeps all
 * on one line. */
void values_json_add(struct buf *out,
                     const char *name,
                     const struct values *values,
                     const char *eol);
