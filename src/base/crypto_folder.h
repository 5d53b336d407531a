/*
 * crypto_folder - where the hub keeps its own CA and leaf: DATA/tls
 *
 * ca.pem and ca.key are made once; cert.pem (leaf and CA) and key.pem are made again
 * when they are missing, do not fit together or the CA, lack a name, or are near their
 * end. What is damaged or half there in the CA is never replaced silently, since every
 * agent pins it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto_cert.h"

struct crypto_folder {
    char *ca_cert; /* owned, as all of these: paths */
    char *ca_key;
    char *cert;
    char *key;
};

/* What crypto_folder_prepare() did. */
enum {
    CRYPTO_FOLDER_MADE_CA = 1,
    CRYPTO_FOLDER_MADE_LEAF = 2,
};

/* Sets the paths below the folder; touches no file. */
void crypto_folder_init(struct crypto_folder *folder, const char *path);
void crypto_folder_done(struct crypto_folder *folder);

/*
 * Sees to a CA and a leaf for these names: 0 and *ret_made a sum of CRYPTO_FOLDER_MADE_*,
 * or CRYPTO_CERT_E_* or -errno. The folder must exist. CRYPTO_CERT_E_MISMATCH: a half of
 * the CA is missing, or its halves do not belong together.
 */
int crypto_folder_prepare(const struct crypto_folder *folder,
                          const char *const *names,
                          size_t name_count,
                          int64_t now_ms,
                          int *ret_made);

/* Makes a new leaf whatever there is; with new_ca also a new CA, whose pin is new. */
int crypto_folder_renew(const struct crypto_folder *folder,
                        const char *const *names,
                        size_t name_count,
                        int64_t now_ms,
                        bool new_ca);
