/*
 * test_server - an HTTP/1.1 server of a test's own, on a loop of its own
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "loop/timer.h"

struct conn;
struct listener;
struct loop;
struct test_server;

enum { TEST_SERVER_VISITS_MAX = 64 };

/* One connection to it. */
struct test_server_visit {
    struct test_server *server; /* borrowed: it embeds this */
    struct conn *conn;          /* owned; NULL once closed */
    struct buf request;         /* what has come of it */
    bool is_answered;           /* once at least */
};

struct test_server {
    struct loop *loop;         /* owned */
    struct listener *listener; /* owned; a test may free it, to be away */
    struct test_server_visit visits[TEST_SERVER_VISITS_MAX];
    size_t visit_count;
    size_t requests;  /* that came whole, the one being answered not counted */
    struct buf last;  /* the last of them */
    size_t open;      /* visits without an answer */
    size_t open_most; /* at the same time */
    struct timer guard;

    /* Appends the answer to a request; nothing: it never gets one. */
    void (*answer)(struct test_server *server, const char *request, struct buf *out);
};

/* Fails the test when its loop runs for half a minute. */
void test_server_open(struct test_server *server,
                      void (*answer)(struct test_server *server,
                                     const char *request,
                                     struct buf *out));

/* Frees the loop too. */
void test_server_close(struct test_server *server);

/* The URL of a path there; a new string. */
char *test_server_url(const struct test_server *server, const char *path);
