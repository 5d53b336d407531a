/*
 * rules_built_in - what is watched from the start
 *
 * The rules that every hub has unless somebody changes or disables them; docs/alerts.md
 * lists them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct alerts_defaults;
struct rule;

/* A new rule, the one at this place; NULL past the last. */
struct rule *rules_built_in(const struct alerts_defaults *defaults, size_t at);

/* Is this the name of one? */
bool rules_built_in_has(const char *name);

/* What counts when no setting says otherwise. */
void rules_built_in_defaults(struct alerts_defaults *ret_defaults);
