#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/mem.h"
#include "loop/netaddr.h"
#include "loop/tls_roots.h"
#include "loop/tls_session.h"
#include "loop/tls_start.h"

enum {
    PIN_LEN = 43,   /* base64url of 32 bytes */
    AUTH_LEVEL = 2, /* 112 bits of security for every signature of a pinned chain */
};

struct tls_client {
    SSL_CTX *ctx;                       /* owned */
    struct tls_session_store *sessions; /* owned */
    char *trust;                        /* owned; stands in the keys of sessions */
    char pin[PIN_LEN + 1];              /* "" when there is none */
    bool insecure;
    bool ignore_names;
    bool notes_only;
    bool has_seen;
    struct buf leaf; /* DER, when it only notes */
    struct tls_mismatch seen;
};

/* --- what the server has shown --- */

static void print_pin(X509 *cert, char ret_pin[static PIN_LEN + 1]) {
    unsigned char *der = NULL;
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct buf text = { 0 };

    ret_pin[0] = '\0';
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    if (len <= 0)
        return;
    crypto_sha256(der, (size_t)len, digest);
    OPENSSL_free(der);
    base64_encode_url(&text, slice_of(digest, sizeof(digest)));
    snprintf(ret_pin, PIN_LEN + 1, "%s", buf_text(&text));
    buf_done(&text);
}

static void note_leaf(struct tls_mismatch *seen, X509 *leaf) {
    unsigned char *der = NULL;
    uint8_t digest[CRYPTO_SHA256_LEN];
    int len = i2d_X509(leaf, &der);

    if (len > 0) {
        crypto_sha256(der, (size_t)len, digest);
        hex_encode(seen->leaf_sha256, digest, sizeof(digest));
    }
    OPENSSL_free(der);
    X509_NAME_oneline(X509_get_issuer_name(leaf), seen->issuer, sizeof(seen->issuer));
}

static void note_chain(struct tls_client *client, X509 *leaf, STACK_OF(X509) * chain) {
    struct tls_mismatch *seen = &client->seen;
    int count = sk_X509_num(chain); /* -1 for NULL */

    *seen = (struct tls_mismatch) { 0 };
    client->has_seen = true;
    memcpy(seen->expected_pin, client->pin, sizeof(client->pin));
    note_leaf(seen, leaf);
    print_pin(count > 0 ? sk_X509_value(chain, count - 1) : leaf, seen->seen_pin);
}

/* --- is it the right one? --- */

static bool fits_pin(const struct tls_client *client, X509 *cert) {
    char pin[PIN_LEN + 1];

    print_pin(cert, pin);
    return crypto_equal(pin, client->pin, PIN_LEN);
}

static X509 *find_pinned(const struct tls_client *client, STACK_OF(X509) * chain) {
    for (int i = 0; i < sk_X509_num(chain); i++)
        if (fits_pin(client, sk_X509_value(chain, i)))
            return sk_X509_value(chain, i);
    return NULL;
}

/*
 * Do the signatures lead from the leaf to the pinned certificate? Dates do not count (a
 * Pi boots without a clock), names neither: the key is what was agreed on.
 */
static int verify_to_anchor(X509 *leaf, STACK_OF(X509) * chain, X509 *anchor) {
    int error = X509_V_ERR_UNSPECIFIED;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();

    if (store && ctx && X509_STORE_add_cert(store, anchor) == 1 &&
        X509_STORE_CTX_init(ctx, store, leaf, chain) == 1) {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME |
                                               X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
        X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
        error = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return error;
}

static int verify_pin(const struct tls_client *client,
                      X509 *leaf,
                      STACK_OF(X509) * chain) {
    if (fits_pin(client, leaf))
        return X509_V_OK;
    X509 *anchor = find_pinned(client, chain);
    if (!anchor)
        return X509_V_ERR_CERT_UNTRUSTED;
    return verify_to_anchor(leaf, chain, anchor);
}

/* --- who only notes --- */

static void add_trouble(struct tls_mismatch *seen, const char *trouble) {
    size_t len = strlen(seen->why);

    if (!strstr(seen->why, trouble))
        snprintf(seen->why + len, sizeof(seen->why) - len, "%s%s", len > 0 ? "; " : "",
                 trouble);
}

/* OpenSSL's callback: goes on whatever is wrong. */
static int on_trouble(int ok, X509_STORE_CTX *ctx) {
    const SSL *ssl =
        X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (!ok)
        add_trouble(&client->seen,
                    X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    return 1;
}

static int note_all(struct tls_client *client, X509_STORE_CTX *ctx) {
    unsigned char *der = NULL;
    int len = i2d_X509(X509_STORE_CTX_get0_cert(ctx), &der);

    buf_clear(&client->leaf);
    if (len > 0)
        buf_add(&client->leaf, der, (size_t)len);
    OPENSSL_free(der);
    X509_STORE_CTX_set_verify_cb(ctx, on_trouble);
    if (X509_verify_cert(ctx) != 1)
        add_trouble(&client->seen, "the chain cannot be checked");
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

/* Replaces the whole check of OpenSSL: 1 goes on, 0 ends the handshake. */
static int on_verify(X509_STORE_CTX *ctx, void *arg) {
    struct tls_client *client = arg;
    X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(ctx);

    note_chain(client, leaf, chain);
    if (client->insecure)
        return 1;
    if (client->notes_only)
        return note_all(client, ctx);
    if (client->pin[0] == '\0')
        return X509_verify_cert(ctx) == 1;
    int error = verify_pin(client, leaf, chain);
    X509_STORE_CTX_set_error(ctx, error);
    return error == X509_V_OK;
}

void tls_client_note_failure(struct tls_client *client, const char *why) {
    bool is_other_key =
        client->pin[0] != '\0' && client->has_seen &&
        strcmp(why, X509_verify_cert_error_string(X509_V_ERR_CERT_UNTRUSTED)) == 0;

    client->has_seen = true;
    memcpy(client->seen.expected_pin, client->pin, sizeof(client->pin));
    snprintf(client->seen.why, sizeof(client->seen.why), "%s",
             is_other_key ? "the server shows another key than the pinned one" : why);
}

/* A resumed handshake shows no chain; what is known of it stays. */
void tls_client_note_success(struct tls_client *client, const SSL *ssl) {
    X509 *leaf = SSL_get0_peer_certificate(ssl);

    client->has_seen = true;
    memcpy(client->seen.expected_pin, client->pin, sizeof(client->pin));
    if (!client->notes_only)
        client->seen.why[0] = '\0';
    if (leaf && SSL_session_reused((SSL *)(uintptr_t)ssl))
        note_leaf(&client->seen, leaf);
}

/* --- sessions --- */

/* tls_client_start() has put the key there. */
static int on_new_session(SSL *ssl, SSL_SESSION *session) {
    struct tls_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const char *key = SSL_get_app_data(ssl);

    tls_session_store_put(client->sessions, key, session);
    return 1; /* the reference is ours now */
}

/* Whoever changes the trust must not resume what was trusted otherwise. */
static char *make_trust_text(const struct tls_trust *trust) {
    return mem_printf("%s%s%s%s:%s:%s", trust->insecure ? "insecure" : "",
                      trust->notes_only ? "notes" : "",
                      trust->ignore_names ? "anyname" : "", trust->pin ? trust->pin : "",
                      trust->ca_file && !trust->pin ? trust->ca_file : "",
                      trust->cert_file ? trust->cert_file : "");
}

/* --- making --- */

static int load_anchors(SSL_CTX *ctx, const struct tls_trust *trust) {
    if (trust->insecure || trust->pin)
        return 0;
    if (!trust->ca_file)
        return tls_roots_add(ctx) ? 0 : -EIO;
    if (access(trust->ca_file, R_OK) < 0)
        return -errno;
    return SSL_CTX_load_verify_file(ctx, trust->ca_file) == 1 ? 0 : -EINVAL;
}

static int load_own(SSL_CTX *ctx, const struct tls_trust *trust) {
    const char *key = trust->key_file ? trust->key_file : trust->cert_file;

    if (!trust->cert_file)
        return trust->key_file ? TLS_E_CERT : 0;
    if (SSL_CTX_use_certificate_chain_file(ctx, trust->cert_file) != 1)
        return TLS_E_CERT;
    /* Also checks that it fits the certificate. */
    return SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1 ? 0 : TLS_E_KEY;
}

static bool is_pin(const char *text) {
    return strlen(text) == PIN_LEN &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789-_") == PIN_LEN;
}

int tls_client_new(const struct tls_trust *trust,
                   const char *session_path,
                   struct tls_client **ret_client) {
    if (trust->pin && !is_pin(trust->pin))
        return -EINVAL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return -ENOMEM;
    int r = load_anchors(ctx, trust);
    if (r == 0)
        r = load_own(ctx, trust);
    ERR_clear_error();
    if (r != 0) {
        SSL_CTX_free(ctx);
        return r;
    }

    struct tls_client *client = mem_new(sizeof(*client));
    client->ctx = ctx;
    client->sessions = tls_session_store_new(session_path);
    client->trust = make_trust_text(trust);
    client->insecure = trust->insecure;
    client->ignore_names = trust->ignore_names;
    client->notes_only = trust->notes_only;
    if (trust->pin)
        memcpy(client->pin, trust->pin, PIN_LEN);

    tls_start_configure(ctx);
    SSL_CTX_set_app_data(ctx, client);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, on_verify, client);
    SSL_CTX_set_session_cache_mode(ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_new_session);
    *ret_client = client;
    return 0;
}

struct tls_client *tls_client_free(struct tls_client *client) {
    if (!client)
        return NULL;
    SSL_CTX_free(client->ctx);
    tls_session_store_free(client->sessions);
    buf_done(&client->leaf);
    free(client->trust);
    free(client);
    return NULL;
}

const struct tls_mismatch *tls_client_seen(const struct tls_client *client) {
    return client->has_seen ? &client->seen : NULL;
}

struct slice tls_client_leaf(const struct tls_client *client) {
    return buf_slice(&client->leaf);
}

/* --- starting a connection --- */

static bool set_name(const struct tls_client *client, SSL *ssl, const char *name) {
    struct sockaddr_storage address;
    bool is_address = netaddr_parse(name, 0, &address);
    bool checks_name =
        client->pin[0] == '\0' && !client->insecure && !client->ignore_names;

    if (!is_address && SSL_set_tlsext_host_name(ssl, name) != 1)
        return false;
    if (!checks_name)
        return true;
    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1;
}

static bool set_alpn(SSL *ssl, const char *alpn) {
    unsigned char list[256];
    size_t len = alpn ? strlen(alpn) : 0;

    if (len == 0)
        return true;
    if (len > 255)
        return false;
    list[0] = (unsigned char)len;
    memcpy(list + 1, alpn, len);
    return SSL_set_alpn_protos(ssl, list, (unsigned)len + 1) == 0;
}

SSL *tls_client_start(struct tls_client *client,
                      const char *name,
                      unsigned port,
                      const char *alpn,
                      char **ret_key) {
    SSL *ssl = SSL_new(client->ctx);
    if (!ssl)
        return NULL;
    if (!set_name(client, ssl, name) || !set_alpn(ssl, alpn)) {
        SSL_free(ssl);
        return NULL;
    }

    char *key = mem_printf("%s:%u:%s", name, port, client->trust);
    SSL_SESSION *session = tls_session_store_find(client->sessions, key);
    SSL_set_app_data(ssl, key);
    SSL_set_connect_state(ssl);
    if (session)
        SSL_set_session(ssl, session);
    *ret_key = key;
    return ssl;
}
