/*
 * signed_act - what an operator's key signs, and how the signature travels
 *
 * The agent issues a challenge; the signature is Ed25519 over SignedAct (acts.proto),
 * packed in the order of its fields: which agent, which method, the SHA-256 of the exact
 * request bytes, and the challenge. It travels as metadata, base64 of OperatorSignature.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/crypto_sign.h"

enum {
    SIGNED_ACT_CHALLENGE_LEN = 32,
    SIGNED_ACT_KEY_MAX = 64, /* letters in the name of a key */
};

/* Metadata of a signed request. */
#define SIGNED_ACT_METADATA "operator-signature-bin"

/* Trailer of a refusal that a signature would have prevented: the policy's verb. */
#define SIGNED_ACT_TRAILER "roost-signature"

struct signed_act {
    const char *instance_id; /* borrowed, as all that follows */
    const char *method;      /* "/roost.v1.Power/Reboot" */
    struct slice request;    /* as it travels, without gRPC's five bytes */
    struct slice challenge;
};

/* A signature as it came. A plain value. */
struct signed_act_signature {
    char key[SIGNED_ACT_KEY_MAX + 1]; /* as the policy names it */
    uint8_t challenge[SIGNED_ACT_CHALLENGE_LEN];
    uint8_t signature[CRYPTO_SIGN_LEN];
};

/* Appends the bytes that are signed. */
void signed_act_pack(const struct signed_act *act, struct buf *out);

/* The value of the metadata field of a request that was signed with the seed; to be
 * freed. key: the name of the key, challenge: of SIGNED_ACT_CHALLENGE_LEN. */
char *signed_act_sign(const struct signed_act *act,
                      const char *key,
                      const uint8_t seed[static CRYPTO_SIGN_KEY_LEN]);

/* Reads such a value: false when it is none. */
bool signed_act_read(const char *value, struct signed_act_signature *ret_signature);

/* Is it the key's signature of this act? The challenge is compared too. */
bool signed_act_verify(const struct signed_act *act,
                       const struct signed_act_signature *signature,
                       const uint8_t key[static CRYPTO_SIGN_KEY_LEN]);
