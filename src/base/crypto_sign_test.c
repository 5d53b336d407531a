#include "base/crypto_sign.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/hex.h"

struct vector {
    const char *seed;
    const char *key;
    const char *message;
    const char *signature;
};

/* RFC 8032, 7.1: tests 1 to 3. */
static const struct vector vectors[] = {
    { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
      "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
    { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
      "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
    { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290"
      "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
};

enum { VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

static void bytes_of(const char *text, uint8_t *ret_bytes) {
    CHECK(hex_decode(ret_bytes, strlen(text) / 2, text));
}

static void keys_and_signatures_are_those_of_the_standard(void) {
    for (size_t i = 0; i < VECTORS; i++) {
        uint8_t seed[CRYPTO_SIGN_KEY_LEN], key[CRYPTO_SIGN_KEY_LEN];
        uint8_t made[CRYPTO_SIGN_KEY_LEN], message[8];
        uint8_t wanted[CRYPTO_SIGN_LEN], signature[CRYPTO_SIGN_LEN];
        struct slice said = slice_of(message, strlen(vectors[i].message) / 2);

        bytes_of(vectors[i].seed, seed);
        bytes_of(vectors[i].key, key);
        bytes_of(vectors[i].message, message);
        bytes_of(vectors[i].signature, wanted);
        crypto_sign_public(seed, made);
        CHECK(memcmp(made, key, sizeof(key)) == 0);
        crypto_sign(seed, said, signature);
        CHECK(memcmp(signature, wanted, sizeof(wanted)) == 0);
        CHECK(crypto_sign_verify(key, said, slice_of(signature, sizeof(signature))));
    }
}

static void any_other_bit_is_no_signature(void) {
    uint8_t seed[CRYPTO_SIGN_KEY_LEN], key[CRYPTO_SIGN_KEY_LEN];
    uint8_t signature[CRYPTO_SIGN_LEN], message[] = "reboot";
    struct slice said = slice_of(message, sizeof(message));

    crypto_sign_make_key(seed);
    crypto_sign_public(seed, key);
    crypto_sign(seed, said, signature);
    for (size_t bit = 0; bit < 8 * sizeof(signature); bit++) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!crypto_sign_verify(key, said, slice_of(signature, sizeof(signature))));
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof(message); bit++) {
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!crypto_sign_verify(key, said, slice_of(signature, sizeof(signature))));
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < sizeof(signature); len++)
        CHECK(!crypto_sign_verify(key, said, slice_of(signature, len)));
    CHECK(crypto_sign_verify(key, said, slice_of(signature, sizeof(signature))));
    key[0] ^= 1;
    CHECK(!crypto_sign_verify(key, said, slice_of(signature, sizeof(signature))));
}

TESTS(TEST(keys_and_signatures_are_those_of_the_standard),
      TEST(any_other_bit_is_no_signature))
