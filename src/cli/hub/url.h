/*
 * url - where a hub is, as people type it
 *
 * https://HOST:PORT, or http://HOST:PORT on this machine only, or HOST[:PORT]. What
 * follows '#' is how the hub is trusted: the pin of its CA's key, or "web" for a public
 * certificate, as in a join link.
 */
#pragma once

#include <stdbool.h>

#include "base/address.h"
#include "base/token.h"

enum { URL_PORT = 8000 }; /* what a hub listens on unless it is told otherwise */

enum {
    URL_E_SCHEME = 1, /* neither http nor https */
    URL_E_ADDRESS,    /* no host, or a port that is none */
    URL_E_PLAIN,      /* http to another machine would show the token to everybody */
    URL_E_PATH,       /* a hub has no path */
    URL_E_TRUST,      /* behind '#' is neither a pin nor "web" */
};

struct url {
    bool plain; /* http */
    struct address address;
    char trust[TOKEN_PIN_LEN + 1]; /* a pin, "web", or "" */
};

/* 0 or URL_E_*. */
int url_parse(const char *text, struct url *ret_url);

/* Why, in one clause. */
const char *url_error_text(int error);

/* "https://HOST:PORT" as a new string. */
char *url_print(const struct url *url);
