/*
 * test_pair - two ends of one connection on one loop, over any transport, for tests
 */
#pragma once

#include "loop/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/tls.h"

enum transport { TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_WS, TRANSPORT_WSS };

enum { TRANSPORT_COUNT = 4 };

/* A CA, a leaf for localhost and 127.0.0.1, and what a client needs to trust it. */
struct test_certs {
    char *folder; /* owned, as all of these; removed at the end */
    char *ca;
    char *ca_key;
    char *cert;
    char *key;
    char pin[44];
};

void test_certs_init(struct test_certs *certs);
/* The leaf begins at that time (and ends two years later). */
void test_certs_init_at(struct test_certs *certs, int64_t now_ms);
/* Makes a new leaf of the same CA. */
void test_certs_renew(struct test_certs *certs, int64_t now_ms);
void test_certs_done(struct test_certs *certs);

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
