/*
 * tls_start - what a TLS conn needs from the contexts of tls.h
 *
 * For this folder only: OpenSSL's types appear here.
 */
#pragma once

#include <openssl/ssl.h>

#include "loop/tls.h"

enum { TLS_WHY_LEN = 256 };

/*
 * The state of one connection: the caller frees it; NULL when OpenSSL cannot make it. A
 * client's state borrows *ret_key (its place among the sessions), which the caller frees
 * after it.
 */
SSL *tls_server_start(struct tls_server *server);
SSL *tls_client_start(struct tls_client *client,
                      const char *name,
                      unsigned port,
                      const char *alpn,
                      char **ret_key);

/* Keeps what the handshake has shown, for tls_client_seen(). */
void tls_client_note_failure(struct tls_client *client, const char *why);
void tls_client_note_success(struct tls_client *client, const SSL *ssl);

/* Settings of both sides: versions, ciphers, groups, modes. */
void tls_start_configure(SSL_CTX *ctx);

/* Why a handshake has failed, for a person. */
void tls_start_explain(const SSL *ssl, char ret_why[static TLS_WHY_LEN]);
