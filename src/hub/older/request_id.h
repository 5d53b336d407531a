/*
 * request_id - the X-Request-Id of an answer, as the older hub gives it
 *
 * The request's own, or the clock in nanoseconds in base 36.
 */
#pragma once

struct exchange;
struct headers;

/* Adds it to an answer's head. */
void request_id_add(const struct exchange *exchange, struct headers *head);
