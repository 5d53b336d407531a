/*
 * http_client - requests to other people's HTTP servers
 *
 * libcurl's multi interface on our loop: connections are kept and shared, HTTP/2 where
 * the server speaks it, the system's proxies (https_proxy, no_proxy) and authorities. One
 * client serves a purpose, with its own limit of calls at the same time; what is beyond
 * it waits in order. Redirects are not followed: whoever configured an address meant it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct http_call;
struct http_client;
struct loop;

struct http_client_config {
    struct loop *loop;   /* borrowed: outlives the client */
    size_t calls_max;    /* at the same time; 0: 8 */
    const char *ca_file; /* PEM; NULL: the system's */
};

struct http_request {
    const char *method;         /* "GET", "POST", ... */
    const char *url;            /* http:// or https:// */
    const char *const *headers; /* "Name: value"; NULL-terminated, or NULL */
    const char *user;           /* Basic authentication, or NULL */
    const char *password;
    struct slice body;   /* sent with every method but GET and HEAD */
    unsigned timeout_ms; /* for everything; 0: 30,000 */
    size_t answer_max;   /* bytes of the answer's body; 0: 1 MiB */
};

/* Lent for the call of done. */
struct http_answer {
    unsigned status; /* 200; 0 when nothing came: then error says why */
    struct slice body;
    unsigned retry_after_s; /* what the server asked for; 0: nothing */
    const char *error;      /* NULL with a status */
};

typedef void http_client_done(void *arg, const struct http_answer *answer);

struct http_client *http_client_new(const struct http_client_config *config);

/* Cancels what runs. NULL is fine; always returns NULL. */
struct http_client *http_client_free(struct http_client *client);

/*
 * Copies the request and starts it, or lets it wait. done is called once, later, and the
 * call is gone after it; what cannot work (a bad URL) is told the same way.
 */
struct http_call *http_client_start(struct http_client *client,
                                    const struct http_request *request,
                                    http_client_done *done,
                                    void *arg);

/* Nobody waits any more: done will not be called. NULL is fine; always returns NULL. */
struct http_call *http_client_cancel(struct http_call *call);
