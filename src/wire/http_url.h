/*
 * http_url - an address of the web, read strictly, and what a redirect makes of it
 *
 * "http://" or "https://", a host, maybe a port, a target. Names and passwords within,
 * other schemes, blanks and control characters are refused; what follows '#' is dropped.
 */
#pragma once

#include <stdbool.h>

#include "base/address.h"

enum { HTTP_URL_MAX = 2048 };

struct http_url {
    bool is_plain; /* http */
    struct address to;
    char target[HTTP_URL_MAX]; /* "/path?query" */
};

/* 0, or -EINVAL and *ret_why (static) says what is wrong. */
int http_url_parse(const char *text, struct http_url *ret_url, const char **ret_why);

/* What a Location field of an answer from `base` means; as above. */
int http_url_join(const struct http_url *base,
                  const char *location,
                  struct http_url *ret_url,
                  const char **ret_why);

/* "example.org" or "[::1]:8443": for the field Host. The caller's. */
char *http_url_authority(const struct http_url *url);

/* The whole of it; the caller's. */
char *http_url_print(const struct http_url *url);
