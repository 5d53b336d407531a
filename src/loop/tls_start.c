#include "loop/tls_start.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

void tls_start_configure(SSL_CTX *ctx) {
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);

    /* For TLS 1.2; those of 1.3 are all fine. */
    int is_set = SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
                 SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1;
    if (!is_set)
        abort(); /* a library without these is no OpenSSL 3 */
}

/* What a person can act on, for the reasons that mean something else than they say. */
static const struct {
    int reason;
    const char *text;
} explanations[] = {
    { SSL_R_WRONG_VERSION_NUMBER, "the peer does not speak TLS" },
    { SSL_R_HTTP_REQUEST, "the peer speaks plain HTTP" },
    { SSL_R_NO_APPLICATION_PROTOCOL, "no protocol in common (ALPN)" },
    { SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, "no protocol in common (ALPN)" },
    { SSL_R_UNSUPPORTED_PROTOCOL, "the peer offers only versions before TLS 1.2" },
};

void tls_start_explain(const SSL *ssl, char ret_why[static TLS_WHY_LEN]) {
    unsigned long error = ERR_peek_last_error();
    int reason = ERR_GET_REASON(error);
    long verdict = SSL_get_verify_result(ssl);

    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK) {
        snprintf(ret_why, TLS_WHY_LEN, "%s", X509_verify_cert_error_string(verdict));
        return;
    }
    for (size_t i = 0; i < sizeof(explanations) / sizeof(explanations[0]); i++) {
        if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason == explanations[i].reason) {
            snprintf(ret_why, TLS_WHY_LEN, "%s", explanations[i].text);
            return;
        }
    }
    const char *text = ERR_reason_error_string(error);
    snprintf(ret_why, TLS_WHY_LEN, "%s", text ? text : "the TLS library gives no reason");
}
