/*
 * crypto_sign - Ed25519: who holds a key said these bytes
 *
 * Keys and signatures are plain bytes (RFC 8032); a private key is its 32-byte seed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    CRYPTO_SIGN_KEY_LEN = 32, /* of either half */
    CRYPTO_SIGN_LEN = 64,
};

/* Makes a private key. */
void crypto_sign_make_key(uint8_t ret_seed[static CRYPTO_SIGN_KEY_LEN]);

/* The public half of a private key. */
void crypto_sign_public(const uint8_t seed[static CRYPTO_SIGN_KEY_LEN],
                        uint8_t ret_key[static CRYPTO_SIGN_KEY_LEN]);

void crypto_sign(const uint8_t seed[static CRYPTO_SIGN_KEY_LEN],
                 struct slice bytes,
                 uint8_t ret_signature[static CRYPTO_SIGN_LEN]);

/* Was it the holder of the key who signed these bytes? */
bool crypto_sign_verify(const uint8_t key[static CRYPTO_SIGN_KEY_LEN],
                        struct slice bytes,
                        struct slice signature);
