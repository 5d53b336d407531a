/*
 * crypto - randomness, hashes and comparison of secrets
 *
 * The small part of OpenSSL that is no TLS. A failure of the library in here is a broken
 * machine, so it ends the process instead of being reported.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CRYPTO_SHA1_LEN = 20,
    CRYPTO_SHA256_LEN = 32,
};

/*
 * Keeps OpenSSL from loading the texts of its errors, which we never show: 50 KiB. To be
 * called before anything else of it, by a program that has to be small.
 */
void crypto_stay_small(void);

/* Fills len bytes fit for keys. */
void crypto_random(void *at, size_t len);

/* SHA-1, for the WebSocket handshake only. */
void crypto_sha1(const void *bytes, size_t len, uint8_t ret_digest[static 20]);

void crypto_sha256(const void *bytes, size_t len, uint8_t ret_digest[static 32]);

/* Are these len bytes the same? Takes the same time wherever they differ. */
bool crypto_equal(const void *a, const void *b, size_t len);
