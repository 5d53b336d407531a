#include "base/crypto_folder.h"

#include <errno.h>
#include <stdlib.h>

#include "base/file.h"

static const int64_t RENEW_BEFORE_MS = INT64_C(60) * 86400000; /* hubs run for weeks */

void crypto_folder_init(struct crypto_folder *folder, const char *path) {
    *folder = (struct crypto_folder) {
        .ca_cert = file_join(path, "ca.pem"),
        .ca_key = file_join(path, "ca.key"),
        .cert = file_join(path, "cert.pem"),
        .key = file_join(path, "key.pem"),
    };
}

void crypto_folder_done(struct crypto_folder *folder) {
    free(folder->ca_cert);
    free(folder->ca_key);
    free(folder->cert);
    free(folder->key);
    *folder = (struct crypto_folder) { 0 };
}

static bool leaf_is_good(const struct crypto_folder *folder,
                         const char *const *names,
                         size_t name_count,
                         int64_t now_ms) {
    struct crypto_cert_facts facts;

    if (crypto_cert_check_key(folder->cert, folder->key) != 0 ||
        crypto_cert_check_issuer(folder->cert, folder->ca_cert) != 0 ||
        crypto_cert_read(folder->cert, 0, &facts) != 0)
        return false;
    bool good = facts.not_after_ms - now_ms > RENEW_BEFORE_MS;
    for (size_t i = 0; i < name_count; i++)
        good = good && crypto_cert_facts_has_name(&facts, names[i]);
    crypto_cert_facts_done(&facts);
    return good;
}

static int make_leaf(const struct crypto_folder *folder,
                     const char *const *names,
                     size_t name_count,
                     int64_t now_ms) {
    const struct crypto_cert_leaf leaf = {
        .ca_cert_path = folder->ca_cert,
        .ca_key_path = folder->ca_key,
        .cert_path = folder->cert,
        .key_path = folder->key,
        .names = names,
        .name_count = name_count,
        .now_ms = now_ms,
    };
    return crypto_cert_make_leaf(&leaf);
}

int crypto_folder_prepare(const struct crypto_folder *folder,
                          const char *const *names,
                          size_t name_count,
                          int64_t now_ms,
                          int *ret_made) {
    int made = 0, r;

    /* A crash between key and certificate leaves a key that nobody has pinned yet, beside
     * no leaf; with a leaf there, the certificate of the CA has been lost. */
    if (!file_exists(folder->ca_cert) && !file_exists(folder->cert)) {
        r = crypto_cert_make_ca(folder->ca_cert, folder->ca_key, now_ms);
        made |= CRYPTO_FOLDER_MADE_CA;
    } else {
        r = crypto_cert_check_key(folder->ca_cert, folder->ca_key);
        r = r == -ENOENT ? CRYPTO_CERT_E_MISMATCH : r;
    }
    if (r != 0)
        return r;
    if (!leaf_is_good(folder, names, name_count, now_ms)) {
        r = make_leaf(folder, names, name_count, now_ms);
        made |= CRYPTO_FOLDER_MADE_LEAF;
    }
    if (r == 0)
        *ret_made = made;
    return r;
}

int crypto_folder_renew(const struct crypto_folder *folder,
                        const char *const *names,
                        size_t name_count,
                        int64_t now_ms,
                        bool new_ca) {
    int r = 0;
    if (new_ca)
        r = crypto_cert_make_ca(folder->ca_cert, folder->ca_key, now_ms);
    if (r == 0)
        r = make_leaf(folder, names, name_count, now_ms);
    return r;
}
