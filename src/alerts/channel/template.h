/*
 * template - a text with {{names}} of an incident in it
 *
 *   {"text": "{{severity}}: {{node}}: {{text}}"}
 *
 * A name is a field of the incident's JSON, as the API has it. Its value is put in so
 * that it may stand between the quotes of a JSON text; numbers, lists and objects as they
 * are. In a text that is no JSON values are put in plainly. "{{{{" is "{{".
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

enum { TEMPLATE_OUT_MAX = 1 << 20 };

/* 0, or -EINVAL and *ret_why, a text to free: an unknown name, no end. */
int template_check(const char *text, char **ret_why);

/* Appends the text with its names replaced by what the JSON object has; 0, or -EINVAL
 * (the template or the JSON are none) or -EMSGSIZE, and out is as it was. */
int template_render(struct buf *out, const char *text, struct slice json, bool is_plain);
