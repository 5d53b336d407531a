/*
 * yaml_literal - texts over several lines behind "|" and ">"
 */
#pragma once

#include "cli/formats/yaml_cursor.h"

/* Appends the text of the lines below that are at least at column parent; the cursor
 * stands on "|" or ">". 0 or YAML_CURSOR_E_BAD. */
int yaml_literal_read(struct yaml_cursor *cursor, size_t parent, struct buf *out);
