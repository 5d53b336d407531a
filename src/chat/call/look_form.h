/*
 * look_form - the request of a method, filled in by buttons and words
 *
 * The form has no state but the command line: what was filled in so far is the JSON of
 * --json, and the field that is asked for is --field.
 */
#pragma once

#include "wire/schema.h"

struct turn;

/* Shows the form of "call NODE METHOD", or asks for the field that --field names, or
 * takes its value; ends the turn. line is the command line up to the method. */
void look_form_show(struct turn *turn,
                    const struct schema_method *method,
                    const char *line);
