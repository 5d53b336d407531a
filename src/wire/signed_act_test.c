#include "wire/signed_act.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/hex.h"

/* Made by another program, with another protobuf and another Ed25519. */
static const char SEED[] =
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
static const char SAID[] =
    "0a20303030313032303330343035303630373038303930613062306330643065306612"
    "162f726f6f73742e76312e506f7765722f5265626f6f741a20767a6fb3b648a354b740"
    "31cc56f316c87e43c29e3a6ca1c7a5a6b5b7c839acb22220000102030405060708090a"
    "0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char VALUE[] =
    "CgNhZGESIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fGkC3NXcG3B/5HXVlsT"
    "nNH4BwMPQpjMVChnosNF2rpny7VN6g7qEktOSjF07w2r2Hd5NxIdTXBj04LRqBY0pa4EIE";

static const uint8_t request[] = { 0x0a, 2, 'i', 'd' };

struct place {
    uint8_t challenge[SIGNED_ACT_CHALLENGE_LEN];
    uint8_t seed[CRYPTO_SIGN_KEY_LEN];
    uint8_t key[CRYPTO_SIGN_KEY_LEN];
    struct signed_act act;
};

static void begin(struct place *place) {
    for (uint8_t i = 0; i < SIGNED_ACT_CHALLENGE_LEN; i++)
        place->challenge[i] = i;
    CHECK(hex_decode(place->seed, sizeof(place->seed), SEED));
    crypto_sign_public(place->seed, place->key);
    place->act = (struct signed_act) {
        .instance_id = "000102030405060708090a0b0c0d0e0f",
        .method = "/roost.v1.Power/Reboot",
        .request = slice_of(request, sizeof(request)),
        .challenge = slice_of(place->challenge, sizeof(place->challenge)),
    };
}

static void what_is_signed_is_the_same_for_everybody(void) {
    struct place place;
    struct buf said = { 0 };

    begin(&place);
    signed_act_pack(&place.act, &said);
    char *text = calloc(1, 2 * said.len + 1);
    hex_encode(text, said.data, said.len);
    CHECK_TEXT(text, SAID);
    free(text);
    buf_done(&said);
    char *value = signed_act_sign(&place.act, "ada", place.seed);
    CHECK_TEXT(value, VALUE);
    free(value);
}

static void a_signature_is_read_and_holds_for_its_act_alone(void) {
    struct signed_act_signature signature;
    uint8_t other[SIGNED_ACT_CHALLENGE_LEN] = { 1 };
    struct place place;

    begin(&place);
    CHECK(signed_act_read(VALUE, &signature));
    CHECK_TEXT(signature.key, "ada");
    CHECK(signed_act_verify(&place.act, &signature, place.key));

    struct signed_act act = place.act;
    act.instance_id = "100102030405060708090a0b0c0d0e0f";
    CHECK(!signed_act_verify(&act, &signature, place.key));
    act = place.act;
    act.method = "/roost.v1.Power/Shutdown";
    CHECK(!signed_act_verify(&act, &signature, place.key));
    act = place.act;
    act.request.len--;
    CHECK(!signed_act_verify(&act, &signature, place.key));
    act = place.act;
    act.challenge = slice_of(other, sizeof(other));
    CHECK(!signed_act_verify(&act, &signature, place.key));
    place.key[31] ^= 0x80;
    CHECK(!signed_act_verify(&place.act, &signature, place.key));
}

static void what_is_no_signature_is_refused(void) {
    static const char *const values[] = { "", "=", "AA==", "CgNhZGE=", "not base64" };
    struct signed_act_signature signature;
    char text[sizeof(VALUE)];

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        CHECK(!signed_act_read(values[i], &signature));
    for (size_t len = 0; len + 4 < sizeof(VALUE); len++) {
        memcpy(text, VALUE, len);
        text[len] = '\0';
        CHECK(!signed_act_read(text, &signature));
    }
    struct buf bytes = { 0 };
    struct buf value = { 0 };
    CHECK_INT(base64_decode(&bytes, slice_of_text(VALUE)), 0);
    CHECK_INT(base64_decode(&bytes, slice_of_text(VALUE)), 0); /* the last ones count */
    base64_encode(&value, buf_slice(&bytes));
    CHECK(signed_act_read(buf_text(&value), &signature));
    buf_done(&bytes);
    buf_done(&value);
}

TESTS(TEST(what_is_signed_is_the_same_for_everybody),
      TEST(a_signature_is_read_and_holds_for_its_act_alone),
      TEST(what_is_no_signature_is_refused))
