#include "base/crypto.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

static _Noreturn void die(const char *what) {
    fprintf(stderr, "the cryptographic library fails: %s\n", what);
    abort();
}

void crypto_stay_small(void) {
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
}

void crypto_random(void *at, size_t len) {
    if (RAND_bytes(at, (int)len) != 1)
        die("no random bytes");
}

static void digest(const EVP_MD *kind,
                   const void *bytes,
                   size_t len,
                   uint8_t *ret_digest) {
    if (EVP_Digest(bytes, len, ret_digest, NULL, kind, NULL) != 1)
        die("no digest");
}

void crypto_sha1(const void *bytes, size_t len, uint8_t ret_digest[static 20]) {
    digest(EVP_sha1(), bytes, len, ret_digest);
}

void crypto_sha256(const void *bytes, size_t len, uint8_t ret_digest[static 32]) {
    digest(EVP_sha256(), bytes, len, ret_digest);
}

bool crypto_equal(const void *a, const void *b, size_t len) {
    return CRYPTO_memcmp(a, b, len) == 0;
}
