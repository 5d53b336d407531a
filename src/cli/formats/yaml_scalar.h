/*
 * yaml_scalar - what a word of YAML without quotes means, and quoted ones
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "wire/json_writer.h"

/* Writes a plain scalar as the core schema reads it: null, true, 12, 0x1f, .inf (which
 * JSON has as "Infinity"), or a text. */
void yaml_scalar_write(struct json_writer *json, struct slice text);

/*
 * Appends what a quoted scalar holds; text begins with its quote. Lines are folded. The
 * length with both quotes, or 0 when it has no end or holds a wrong escape.
 */
size_t yaml_scalar_unquote(struct buf *out, struct slice text);
