/*
 * test_certs - certificates in a folder of their own, for tests
 */
#pragma once

#include <stdint.h>

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

/* Removes the folder. */
void test_certs_done(struct test_certs *certs);
