/*
 * act_text - what a request of an acting method says, for people
 */
#pragma once

#include "base/buf.h"

struct acting_method;

enum { ACT_TEXT_LINE_MAX = 300 }; /* bytes of the line for the activity */

/* The packed request as JSON, whole; what cannot be read is said so. What is named like
 * a secret is not shown. */
void act_text_json(struct buf *out,
                   const struct acting_method *method,
                   struct slice request);

/* The same without the id of the operation, cut to a line. A new string. */
char *act_text_line(const struct acting_method *method, struct slice request);
