/*
 * test_pair - two ends of one connection on one loop, over any transport, for tests
 */
#pragma once

#include "loop/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/test_certs.h"
#include "loop/tls.h"

enum transport { TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_WS, TRANSPORT_WSS };

enum { TRANSPORT_COUNT = 4 };

struct test_pair {
    struct loop *loop; /* owned */
    struct test_certs certs;
    struct tls_server *tls_server; /* owned; NULL without TLS */
    struct tls_client *tls_client; /* owned; NULL without TLS */
    struct listener *listener;     /* owned */
    struct conn *client;           /* owned: the test closes it; without an owner yet */
    struct conn *server;           /* the same */
};

void test_pair_open(struct test_pair *pair, enum transport transport);

/* Closes what the test has left and asserts that the loop is empty. */
void test_pair_close(struct test_pair *pair);

/* The port in "ADDRESS:PORT". */
unsigned test_pair_port(const char *address);
