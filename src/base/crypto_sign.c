#include "base/crypto_sign.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "base/crypto.h"
#include "base/log.h"

/* The library broke: there is no going on (crypto.h). */
static void expect(bool is_fine) {
    if (is_fine)
        return;
    log_error("OpenSSL failed at Ed25519");
    abort();
}

void crypto_sign_make_key(uint8_t ret_seed[static CRYPTO_SIGN_KEY_LEN]) {
    crypto_random(ret_seed, CRYPTO_SIGN_KEY_LEN);
}

static EVP_PKEY *take_seed(const uint8_t *seed) {
    EVP_PKEY *key =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, CRYPTO_SIGN_KEY_LEN);
    expect(key);
    return key;
}

void crypto_sign_public(const uint8_t seed[static CRYPTO_SIGN_KEY_LEN],
                        uint8_t ret_key[static CRYPTO_SIGN_KEY_LEN]) {
    EVP_PKEY *key = take_seed(seed);
    size_t len = CRYPTO_SIGN_KEY_LEN;

    expect(EVP_PKEY_get_raw_public_key(key, ret_key, &len) == 1);
    EVP_PKEY_free(key);
}

void crypto_sign(const uint8_t seed[static CRYPTO_SIGN_KEY_LEN],
                 struct slice bytes,
                 uint8_t ret_signature[static CRYPTO_SIGN_LEN]) {
    EVP_PKEY *key = take_seed(seed);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t len = CRYPTO_SIGN_LEN;

    expect(context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
           EVP_DigestSign(context, ret_signature, &len, bytes.at, bytes.len) == 1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}

bool crypto_sign_verify(const uint8_t key[static CRYPTO_SIGN_KEY_LEN],
                        struct slice bytes,
                        struct slice signature) {
    if (signature.len != CRYPTO_SIGN_LEN)
        return false;
    EVP_PKEY *public_key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, CRYPTO_SIGN_KEY_LEN);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good =
        public_key && context &&
        EVP_DigestVerifyInit(context, NULL, NULL, NULL, public_key) == 1 &&
        EVP_DigestVerify(context, signature.at, signature.len, bytes.at, bytes.len) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(public_key);
    return is_good;
}
