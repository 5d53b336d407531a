/*
 * crypto_cert - certificates of our own: made, and read back as facts
 *
 * ECDSA on P-256 throughout. A CA signs leaves for the hub; agents pin the public key of
 * the CA, so that leaves may change. Files are PEM; keys are written with mode 0600.
 * Nothing here speaks TLS. All functions block on files.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf;

enum {
    CRYPTO_CERT_PIN_LEN = 43,
    CRYPTO_CERT_NAMES_MAX = 64, /* of one leaf: every interface of a big host, and more */
};

enum {
    CRYPTO_CERT_E_DAMAGED = 1, /* a file is not the PEM that it should be */
    CRYPTO_CERT_E_MISMATCH,    /* key and certificate do not belong together */
    CRYPTO_CERT_E_NAME,        /* neither a host name nor an address */
    CRYPTO_CERT_E_NONE,        /* the file has fewer certificates */
};

/* What one certificate says. */
struct crypto_cert_facts {
    char *subject; /* owned */
    char *issuer;  /* owned */
    char **names;  /* owned; host names and addresses it stands for */
    size_t name_count;
    int64_t not_before_ms;
    int64_t not_after_ms;
    char serial[65];
    char sha256[65];                   /* fingerprint, hex */
    char pin[CRYPTO_CERT_PIN_LEN + 1]; /* base64url(SHA-256(SubjectPublicKeyInfo)) */
    bool is_ca;
};

/* Makes a key and a self-signed CA, "Roost CA", for 30 years from now_ms on. */
int crypto_cert_make_ca(const char *cert_path, const char *key_path, int64_t now_ms);

/* What a leaf is made of. */
struct crypto_cert_leaf {
    const char *ca_cert_path;
    const char *ca_key_path;
    const char *cert_path;    /* written: the leaf, then the CA */
    const char *key_path;     /* written */
    const char *const *names; /* host names and addresses; repeats are fine */
    size_t name_count;
    int64_t now_ms;
};

/*
 * Makes a key and a certificate for the names, good for two years (one day backwards,
 * for clocks that are late). Key first, then certificate: after a crash in between the
 * two do not match, which crypto_cert_check_key() tells.
 */
int crypto_cert_make_leaf(const struct crypto_cert_leaf *leaf);

/* Reads the certificate at index (0: the leaf) of a PEM file. */
int crypto_cert_read(const char *path, size_t index, struct crypto_cert_facts *ret_facts);

/* The same of a certificate's bytes (DER). */
int crypto_cert_parse(struct slice der, struct crypto_cert_facts *ret_facts);

/* Frees what the facts own. */
void crypto_cert_facts_done(struct crypto_cert_facts *facts);

bool crypto_cert_facts_has_name(const struct crypto_cert_facts *facts, const char *name);

/* Appends the facts as lines for a person. */
void crypto_cert_facts_print(const struct crypto_cert_facts *facts, struct buf *out);

/* Does the key belong to the first certificate? 0, CRYPTO_CERT_E_* or -errno. */
int crypto_cert_check_key(const char *cert_path, const char *key_path);

/* Was the first certificate of the file signed by the CA? 0, CRYPTO_CERT_E_* or -errno.
 */
int crypto_cert_check_issuer(const char *cert_path, const char *ca_cert_path);

/* Why, in one clause for a person; of any CRYPTO_CERT_E_*. */
const char *crypto_cert_error_text(int error);
