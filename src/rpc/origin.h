/*
 * origin - is this request from a page of ours, or from no browser at all?
 *
 * A browser says where a request comes from (Origin, RFC 6454; Sec-Fetch-Site). Programs
 * say neither and pass. A page must be same-origin with a host that is configured, so
 * that neither another site nor a rebound name can act with a person's credential.
 */
#pragma once

#include <stdbool.h>

struct exchange;

/* hosts: names and addresses without port, NULL-terminated. */
bool origin_is_allowed(const struct exchange *exchange, const char *const *hosts);
