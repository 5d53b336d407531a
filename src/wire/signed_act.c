#include "wire/signed_act.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "roost/v1/acts.pb-c.h"
#include "wire/pb.h"

void signed_act_pack(const struct signed_act *act, struct buf *out) {
    Roost__V1__SignedAct message = ROOST__V1__SIGNED_ACT__INIT;
    uint8_t digest[CRYPTO_SHA256_LEN];

    crypto_sha256(act->request.at, act->request.len, digest);
    message.instance_id = (char *)act->instance_id;
    message.method = (char *)act->method;
    message.request_sha256.data = digest;
    message.request_sha256.len = sizeof(digest);
    message.challenge.data = (uint8_t *)act->challenge.at;
    message.challenge.len = act->challenge.len;
    pb_pack(out, &message.base);
}

char *signed_act_sign(const struct signed_act *act,
                      const char *key,
                      const uint8_t seed[static CRYPTO_SIGN_KEY_LEN]) {
    Roost__V1__OperatorSignature message = ROOST__V1__OPERATOR_SIGNATURE__INIT;
    uint8_t signature[CRYPTO_SIGN_LEN];
    struct buf said = { 0 };
    struct buf packed = { 0 };
    struct buf value = { 0 };

    signed_act_pack(act, &said);
    crypto_sign(seed, buf_slice(&said), signature);
    message.key = (char *)key;
    message.challenge.data = (uint8_t *)act->challenge.at;
    message.challenge.len = act->challenge.len;
    message.signature.data = signature;
    message.signature.len = sizeof(signature);
    pb_pack(&packed, &message.base);
    base64_encode(&value, buf_slice(&packed));
    buf_done(&packed);
    buf_done(&said);
    return buf_take_text(&value);
}

static bool take(const Roost__V1__OperatorSignature *message,
                 struct signed_act_signature *ret_signature) {
    if (strlen(message->key) > SIGNED_ACT_KEY_MAX ||
        message->challenge.len != SIGNED_ACT_CHALLENGE_LEN ||
        message->signature.len != CRYPTO_SIGN_LEN)
        return false;
    strcpy(ret_signature->key, message->key);
    memcpy(ret_signature->challenge, message->challenge.data, SIGNED_ACT_CHALLENGE_LEN);
    memcpy(ret_signature->signature, message->signature.data, CRYPTO_SIGN_LEN);
    return true;
}

bool signed_act_read(const char *value, struct signed_act_signature *ret_signature) {
    ProtobufCMessage *message = NULL;
    struct buf packed = { 0 };
    bool is_one =
        base64_decode_any(&packed, slice_of_text(value)) == 0 &&
        pb_unpack(&roost__v1__operator_signature__descriptor, buf_slice(&packed),
                  &message) == 0 &&
        take((const Roost__V1__OperatorSignature *)(const void *)message, ret_signature);

    pb_free(message);
    buf_done(&packed);
    return is_one;
}

bool signed_act_verify(const struct signed_act *act,
                       const struct signed_act_signature *signature,
                       const uint8_t key[static CRYPTO_SIGN_KEY_LEN]) {
    struct buf said = { 0 };

    signed_act_pack(act, &said);
    bool is_good = slice_equal(act->challenge, slice_of(signature->challenge,
                                                        SIGNED_ACT_CHALLENGE_LEN)) &&
                   crypto_sign_verify(key, buf_slice(&said),
                                      slice_of(signature->signature, CRYPTO_SIGN_LEN));
    buf_done(&said);
    return is_good;
}
