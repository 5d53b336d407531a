/* What comes as a signature is read without harm, and never is one. */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "wire/signed_act.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t key[CRYPTO_SIGN_KEY_LEN] = { 0xd7, 0x5a, 0x98 };
    struct signed_act_signature signature;
    struct signed_act act = { .instance_id = "i", .method = "/m" };
    char *value = mem_dup(data, size);

    if (signed_act_read(value, &signature)) {
        act.challenge = slice_of(signature.challenge, sizeof(signature.challenge));
        assert(!signed_act_verify(&act, &signature, key));
    }
    free(value);
    return 0;
}
