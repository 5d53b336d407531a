/*
 * http_probe - one thing fetched over HTTP/1.1, with the time of each step
 *
 * Resolves, connects, does TLS, asks, and reads the answer up to a limit; follows
 * redirects as far as it may, each to an address that the owner allows again. No proxy,
 * no session, no second use of a connection: it measures what a first visitor meets.
 *
 *   resolving - connecting - shaking - asking - reading -.
 *       ^----------------- redirect --------------------'--> on_done
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"

struct crypto_cert_facts;
struct http_probe;
struct loop;
struct sockaddr_storage;

enum { HTTP_PROBE_HEAD_MAX = 32768, HTTP_PROBE_REDIRECTS_MAX = 10 };

/* Lent for the call of on_done. Times of the last server but total_ms, which counts from
 * the start; 0: it did not come to it. */
struct http_probe_result {
    unsigned status;     /* 0: no answer came */
    const char *error;   /* why it failed; NULL: it did not */
    const char *address; /* of the server; "" without a connection */
    double resolve_ms;
    double connect_ms;
    double tls_ms;
    double first_byte_ms; /* from the beginning of the connection's attempt */
    double total_ms;
    uint64_t bytes;                              /* of the body */
    const struct crypto_cert_facts *certificate; /* NULL: none was shown */
    const char *distrust; /* why it cannot be trusted; "" when it can */
    const char *location; /* where the last answer leads; "" without a redirect */
    bool is_denied;       /* keep() left no address; `to` says of what */
    struct address to;
};

struct http_probe_config {
    struct loop *loop;      /* borrowed: outlives it */
    const char *url;        /* copied */
    const char *method;     /* "GET" or "HEAD"; borrowed: static */
    unsigned timeout_ms;    /* for all of it */
    uint64_t bytes_max;     /* of the body: then it has ended well */
    unsigned redirects_max; /* that are followed */
    bool needs_trust;       /* else a server that cannot be trusted is asked, and told */
    /* As in dialler.h, with the host that is meant. */
    size_t (*keep)(void *arg,
                   const char *host,
                   unsigned port,
                   struct sockaddr_storage *addresses,
                   size_t count);
    /* A part of the last answer's body: false when there is enough. May be NULL; must not
     * cancel. */
    bool (*on_body)(void *arg, struct slice bytes);
    /* It is over, and gone: not to be cancelled any more. */
    void (*on_done)(void *arg, const struct http_probe_result *result);
    void *arg; /* borrowed */
};

/* 0, and on_done comes later, once; or -EINVAL and *ret_why (static): the URL is none. */
int http_probe_start(const struct http_probe_config *config,
                     struct http_probe **ret_probe,
                     const char **ret_why);

/* on_done does not come. NULL is fine; always returns NULL. */
struct http_probe *http_probe_cancel(struct http_probe *probe);
