#include "base/crypto_cert.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/address.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"

enum {
    FILE_MAX = 1024 * 1024, /* chains are some kilobytes */
    SERIAL_LEN = 16,
};

static const int64_t DAY_MS = INT64_C(86400000);
static const int64_t CA_DAYS = 30 * 365;
static const int64_t LEAF_DAYS = 2 * 365;

static void bio_freep(BIO **bio) {
    BIO_free(*bio);
}

static void x509_freep(X509 **cert) {
    X509_free(*cert);
}

static void key_freep(EVP_PKEY **key) {
    EVP_PKEY_free(*key);
}

const char *crypto_cert_error_text(int error) {
    switch (error) {
    case CRYPTO_CERT_E_DAMAGED:
        return "the file is not the PEM that it should be";
    case CRYPTO_CERT_E_MISMATCH:
        return "key and certificate do not belong together";
    case CRYPTO_CERT_E_NAME:
        return "neither a host name nor an address";
    case CRYPTO_CERT_E_NONE:
        return "the file has no certificate";
    default:
        return "unknown";
    }
}

/* Never asks on a terminal: a key under a password is an unreadable key. */
static int no_password(char *at, int size, int writing, void *arg) {
    return -1;
}

static int open_pem(const char *path, struct buf *content, BIO **ret_bio) {
    int r = file_read(path, FILE_MAX, content);
    if (r < 0)
        return r;
    *ret_bio = BIO_new_mem_buf(content->data, (int)content->len);
    return *ret_bio ? 0 : -ENOMEM;
}

/* The certificate at index. */
static int load_cert(const char *path, size_t index, X509 **ret_cert) {
    struct buf content = { 0 };
    auto_(bio_freep) BIO *bio = NULL;
    X509 *cert = NULL;
    size_t at = 0;

    int r = open_pem(path, &content, &bio);
    while (r == 0 && at <= index) {
        X509_free(cert);
        cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);
        if (!cert)
            r = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
                    ? CRYPTO_CERT_E_NONE
                    : CRYPTO_CERT_E_DAMAGED;
        at++;
    }
    ERR_clear_error();
    buf_done(&content);
    if (r == 0)
        *ret_cert = cert;
    return r;
}

static int load_key(const char *path, EVP_PKEY **ret_key) {
    struct buf content = { 0 };
    auto_(bio_freep) BIO *bio = NULL;

    int r = open_pem(path, &content, &bio);
    if (r == 0) {
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
        if (key)
            *ret_key = key;
        else
            r = CRYPTO_CERT_E_DAMAGED;
    }
    ERR_clear_error();
    if (content.data)
        mem_wipe(content.data, content.cap);
    buf_done(&content);
    return r;
}

static int write_bio(const char *path, BIO *bio, mode_t mode) {
    char *at;
    long len = BIO_get_mem_data(bio, &at);
    int r = file_write_atomic(path, slice_of(at, (size_t)len), mode);
    mem_wipe(at, (size_t)len);
    return r;
}

static int write_key(const char *path, EVP_PKEY *key) {
    auto_(bio_freep) BIO *bio = BIO_new(BIO_s_secmem());
    if (!bio || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return -ENOMEM;
    return write_bio(path, bio, 0600);
}

/* The certificate, and the one that signed it unless NULL. */
static int write_certs(const char *path, X509 *cert, X509 *issuer) {
    auto_(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_X509(bio, cert) != 1)
        return -ENOMEM;
    if (issuer && PEM_write_bio_X509(bio, issuer) != 1)
        return -ENOMEM;
    return write_bio(path, bio, 0644);
}

static bool set_serial(X509 *cert) {
    uint8_t bytes[SERIAL_LEN];
    crypto_random(bytes, sizeof(bytes));
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive and of full length */

    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return good;
}

static bool set_dates(X509 *cert, int64_t now_ms, int64_t days) {
    time_t from = (time_t)((now_ms - DAY_MS) / 1000);
    time_t until = (time_t)((now_ms + days * DAY_MS) / 1000);
    return ASN1_TIME_set(X509_getm_notBefore(cert), from) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), until);
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);

    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool good = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

/* An unsigned certificate with everything but extensions; NULL when memory ends. */
static X509 *begin(EVP_PKEY *key, const char *name, int64_t now_ms, int64_t days) {
    X509 *cert = X509_new();
    X509_NAME *subject = cert ? X509_get_subject_name(cert) : NULL;

    if (cert && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
        set_dates(cert, now_ms, days) && X509_set_pubkey(cert, key) == 1 &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)name,
                                   -1, -1, 0) == 1)
        return cert;
    X509_free(cert);
    return NULL;
}

static bool finish_ca(X509 *cert, EVP_PKEY *key) {
    return X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
           add_extension(cert, cert, NID_basic_constraints,
                         "critical,CA:TRUE,pathlen:0") &&
           add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

int crypto_cert_make_ca(const char *cert_path, const char *key_path, int64_t now_ms) {
    auto_(key_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key)
        return -ENOMEM;
    auto_(x509_freep) X509 *cert = begin(key, "Roost CA", now_ms, CA_DAYS);
    if (!cert || !finish_ca(cert, key))
        return -ENOMEM;

    int r = write_key(key_path, key);
    return r == 0 ? write_certs(cert_path, cert, NULL) : r;
}

/* Adds one subject alternative name. */
static int add_name(GENERAL_NAMES *names, const char *text) {
    uint8_t bytes[16];
    int len = inet_pton(AF_INET, text, bytes) == 1    ? 4
              : inet_pton(AF_INET6, text, bytes) == 1 ? 16
                                                      : 0;
    if (!address_is_host(slice_of_text(text)))
        return CRYPTO_CERT_E_NAME;

    ASN1_STRING *value =
        ASN1_STRING_type_new(len ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (!value || !name ||
        !ASN1_STRING_set(value, len ? (const void *)bytes : text, len ? len : -1) ||
        !sk_GENERAL_NAME_push(names, name)) {
        ASN1_STRING_free(value);
        GENERAL_NAME_free(name);
        return -ENOMEM;
    }
    GENERAL_NAME_set0_value(name, len ? GEN_IPADD : GEN_DNS, value);
    return 0;
}

static bool is_repeated(const char *const *names, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (strcasecmp(names[i], names[at]) == 0)
            return true;
    return false;
}

static int add_names(X509 *cert, const char *const *texts, size_t count) {
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    if (!names)
        return -ENOMEM;

    int r = count > CRYPTO_CERT_NAMES_MAX ? -E2BIG : 0;
    for (size_t i = 0; r == 0 && i < count; i++)
        if (!is_repeated(texts, i))
            r = add_name(names, texts[i]);
    if (r == 0 && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) != 1)
        r = -ENOMEM;
    GENERAL_NAMES_free(names);
    return r;
}

static bool finish_leaf(X509 *cert, X509 *ca, EVP_PKEY *ca_key) {
    return X509_set_issuer_name(cert, X509_get_subject_name(ca)) == 1 &&
           add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
           add_extension(cert, ca, NID_ext_key_usage, "serverAuth") &&
           add_extension(cert, ca, NID_subject_key_identifier, "hash") &&
           add_extension(cert, ca, NID_authority_key_identifier, "keyid:always") &&
           X509_sign(cert, ca_key, EVP_sha256()) > 0;
}

int crypto_cert_make_leaf(const struct crypto_cert_leaf *leaf) {
    auto_(x509_freep) X509 *ca = NULL;
    auto_(key_freep) EVP_PKEY *ca_key = NULL;

    int r = load_cert(leaf->ca_cert_path, 0, &ca);
    if (r == 0)
        r = load_key(leaf->ca_key_path, &ca_key);
    if (r != 0)
        return r;
    if (X509_check_private_key(ca, ca_key) != 1) {
        ERR_clear_error();
        return CRYPTO_CERT_E_MISMATCH;
    }

    auto_(key_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
    auto_(x509_freep) X509 *cert =
        key ? begin(key, "Roost hub", leaf->now_ms, LEAF_DAYS) : NULL;
    r = cert ? add_names(cert, leaf->names, leaf->name_count) : -ENOMEM;
    if (r != 0)
        return r;
    if (!finish_leaf(cert, ca, ca_key))
        return -ENOMEM;

    r = write_key(leaf->key_path, key);
    return r == 0 ? write_certs(leaf->cert_path, cert, ca) : r;
}

static char *name_text(const X509_NAME *name) {
    auto_(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    char *at;
    /* RFC 2253 escapes control characters, so a foreign name cannot forge lines. */
    if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0)
        return mem_strdup("?");
    long len = BIO_get_mem_data(bio, &at);
    return mem_dup(at, (size_t)len);
}

static int64_t time_ms(const ASN1_TIME *time) {
    struct tm tm;
    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

/* One subject alternative name as text; NULL for kinds that TLS servers do not use. */
static char *alternative_text(const GENERAL_NAME *name) {
    int kind;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &kind);
    const uint8_t *at = value ? ASN1_STRING_get0_data(value) : NULL;
    size_t len = value ? (size_t)ASN1_STRING_length(value) : 0;
    char text[INET6_ADDRSTRLEN];

    if (kind == GEN_DNS) {
        for (size_t i = 0; i < len; i++)
            if (at[i] <= ' ' || at[i] > '~')
                return NULL;
        return mem_dup(at, len);
    }
    if (kind != GEN_IPADD || (len != 4 && len != 16))
        return NULL;
    inet_ntop(len == 4 ? AF_INET : AF_INET6, at, text, sizeof(text));
    return mem_strdup(text);
}

static void take_names(X509 *cert, struct crypto_cert_facts *facts) {
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    int count = names ? sk_GENERAL_NAME_num(names) : 0;

    facts->names = mem_new_array((size_t)count, sizeof(*facts->names));
    for (int i = 0; i < count; i++) {
        int kind;
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        GENERAL_NAME_get0_value(name, &kind);
        char *text = kind == GEN_DNS || kind == GEN_IPADD ? alternative_text(name) : NULL;
        if (text)
            facts->names[facts->name_count++] = text;
    }
    GENERAL_NAMES_free(names);
}

static void take_serial(const X509 *cert, char ret_serial[static 65]) {
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    int len = ASN1_STRING_length(serial);
    hex_encode(ret_serial, ASN1_STRING_get0_data(serial), len > 32 ? 32 : (size_t)len);
}

/* base64url(SHA-256(SubjectPublicKeyInfo)). */
static int take_pin(X509 *cert, char ret_pin[static CRYPTO_CERT_PIN_LEN + 1]) {
    uint8_t digest[CRYPTO_SHA256_LEN], *spki = NULL;
    struct buf text = { 0 };

    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
    if (len < 0)
        return CRYPTO_CERT_E_DAMAGED;
    crypto_sha256(spki, (size_t)len, digest);
    OPENSSL_free(spki);
    base64_encode_url(&text, slice_of(digest, sizeof(digest)));
    memcpy(ret_pin, buf_text(&text), CRYPTO_CERT_PIN_LEN + 1);
    buf_done(&text);
    return 0;
}

static int take_facts(X509 *cert, struct crypto_cert_facts *ret_facts) {
    struct crypto_cert_facts facts = { 0 };
    uint8_t digest[EVP_MAX_MD_SIZE];

    int r = take_pin(cert, facts.pin);
    if (r == 0 && X509_digest(cert, EVP_sha256(), digest, NULL) != 1)
        r = CRYPTO_CERT_E_DAMAGED;
    if (r == 0) {
        hex_encode(facts.sha256, digest, CRYPTO_SHA256_LEN);
        facts.subject = name_text(X509_get_subject_name(cert));
        facts.issuer = name_text(X509_get_issuer_name(cert));
        facts.not_before_ms = time_ms(X509_get0_notBefore(cert));
        facts.not_after_ms = time_ms(X509_get0_notAfter(cert));
        facts.is_ca = X509_check_ca(cert) > 0;
        take_serial(cert, facts.serial);
        take_names(cert, &facts);
        *ret_facts = facts;
    }
    ERR_clear_error();
    return r;
}

int crypto_cert_read(const char *path,
                     size_t index,
                     struct crypto_cert_facts *ret_facts) {
    auto_(x509_freep) X509 *cert = NULL;
    int r = load_cert(path, index, &cert);
    return r == 0 ? take_facts(cert, ret_facts) : r;
}

int crypto_cert_parse(struct slice der, struct crypto_cert_facts *ret_facts) {
    const unsigned char *at = der.at;
    auto_(x509_freep) X509 *cert = d2i_X509(NULL, &at, (long)der.len);

    ERR_clear_error();
    return cert ? take_facts(cert, ret_facts) : CRYPTO_CERT_E_DAMAGED;
}

void crypto_cert_facts_done(struct crypto_cert_facts *facts) {
    for (size_t i = 0; i < facts->name_count; i++)
        free(facts->names[i]);
    free(facts->names);
    free(facts->subject);
    free(facts->issuer);
    *facts = (struct crypto_cert_facts) { 0 };
}

bool crypto_cert_facts_has_name(const struct crypto_cert_facts *facts, const char *name) {
    uint8_t wanted[16], have[16];
    bool six = inet_pton(AF_INET6, name, wanted) == 1;

    for (size_t i = 0; i < facts->name_count; i++) {
        if (strcasecmp(facts->names[i], name) == 0)
            return true;
        if (six && inet_pton(AF_INET6, facts->names[i], have) == 1 &&
            memcmp(wanted, have, sizeof(have)) == 0)
            return true;
    }
    return false;
}

void crypto_cert_facts_print(const struct crypto_cert_facts *facts, struct buf *out) {
    char from[CLOCK_TEXT_LEN], until[CLOCK_TEXT_LEN];

    clock_print(facts->not_before_ms, from);
    clock_print(facts->not_after_ms, until);
    buf_printf(out, "subject      %s%s\n", facts->subject, facts->is_ca ? " (a CA)" : "");
    buf_printf(out, "issuer       %s\n", facts->issuer);
    buf_printf(out, "serial       %s\n", facts->serial);
    buf_printf(out, "valid from   %.10s\n", from);
    buf_printf(out, "valid until  %.10s\n", until);
    if (facts->name_count > 0) {
        buf_add_text(out, "names       ");
        for (size_t i = 0; i < facts->name_count; i++)
            buf_printf(out, " %s", facts->names[i]);
        buf_add_text(out, "\n");
    }
    buf_printf(out, "SHA-256      %s\n", facts->sha256);
    buf_printf(out, "pin          %s\n", facts->pin);
}

int crypto_cert_check_key(const char *cert_path, const char *key_path) {
    auto_(x509_freep) X509 *cert = NULL;
    auto_(key_freep) EVP_PKEY *key = NULL;

    int r = load_cert(cert_path, 0, &cert);
    if (r == 0)
        r = load_key(key_path, &key);
    if (r == 0 && X509_check_private_key(cert, key) != 1)
        r = CRYPTO_CERT_E_MISMATCH;
    ERR_clear_error();
    return r;
}

int crypto_cert_check_issuer(const char *cert_path, const char *ca_cert_path) {
    auto_(x509_freep) X509 *cert = NULL;
    auto_(x509_freep) X509 *ca = NULL;

    int r = load_cert(cert_path, 0, &cert);
    if (r == 0)
        r = load_cert(ca_cert_path, 0, &ca);
    if (r == 0 && X509_verify(cert, X509_get0_pubkey(ca)) != 1)
        r = CRYPTO_CERT_E_MISMATCH;
    ERR_clear_error();
    return r;
}
