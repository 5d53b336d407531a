/*
 * yaml_read - YAML that people write, as JSON
 *
 * Block and flow collections, plain, quoted and block scalars, comments, and several
 * documents apart by "---", resolved by the core schema of YAML 1.2. Anchors, aliases,
 * tags and complex keys are refused: a request needs none of them, and an alias is how a
 * small file becomes a huge one.
 */
#pragma once

#include "base/buf.h"

enum { YAML_READ_E_BAD = 1 };

/* Appends each document as one line of JSON. 0, or YAML_READ_E_BAD and *ret_why is a text
 * to free ("line 3: ..."); out is then as it was. */
int yaml_read(struct buf *out, struct slice text, char **ret_why);
