#include "loop/test_certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/crypto_cert.h"
#include "base/file.h"
#include "base/mem.h"

void test_certs_renew(struct test_certs *certs, int64_t now_ms) {
    static const char *const names[] = { "localhost", "127.0.0.1" };
    struct crypto_cert_leaf leaf = {
        .ca_cert_path = certs->ca,
        .ca_key_path = certs->ca_key,
        .cert_path = certs->cert,
        .key_path = certs->key,
        .names = names,
        .name_count = 2,
        .now_ms = now_ms,
    };
    CHECK_INT(crypto_cert_make_leaf(&leaf), 0);
}

void test_certs_init_at(struct test_certs *certs, int64_t now_ms) {
    char template[] = "/tmp/roost-loop-XXXXXX";
    struct crypto_cert_facts facts;

    CHECK(mkdtemp(template));
    certs->folder = mem_strdup(template);
    certs->ca = file_join(template, "ca.pem");
    certs->ca_key = file_join(template, "ca.key");
    certs->cert = file_join(template, "cert.pem");
    certs->key = file_join(template, "key.pem");
    CHECK_INT(crypto_cert_make_ca(certs->ca, certs->ca_key, now_ms), 0);
    test_certs_renew(certs, now_ms);
    CHECK_INT(crypto_cert_read(certs->ca, 0, &facts), 0);
    snprintf(certs->pin, sizeof(certs->pin), "%s", facts.pin);
    crypto_cert_facts_done(&facts);
}

void test_certs_init(struct test_certs *certs) {
    test_certs_init_at(certs, clock_wall_ms());
}

static void remove_file(char *path) {
    unlink(path);
    free(path);
}

void test_certs_done(struct test_certs *certs) {
    remove_file(certs->ca);
    remove_file(certs->ca_key);
    remove_file(certs->cert);
    remove_file(certs->key);
    rmdir(certs->folder);
    free(certs->folder);
}
