/*
 * yaml - JSON that we wrote ourselves, as YAML in block style
 *
 * Strings that need no quotes in YAML stand bare; all others keep their JSON quotes,
 * which YAML 1.2 reads alike.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* Appends the JSON text as one YAML document without "---", its keys in lower case on
 * request. Negative: not JSON. */
int yaml_add_json(struct buf *out, struct slice json, bool lower_keys);
