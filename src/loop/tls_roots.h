/*
 * tls_roots - the certificate authorities that the system trusts
 *
 * For this folder only: OpenSSL's types appear here.
 */
#pragma once

#include <stdbool.h>

#include <openssl/ssl.h>

/*
 * Trusts them; false when OpenSSL cannot. Where the system keeps each in a file named by
 * its hash (`openssl rehash`, Debian's update-ca-certificates), only those are read that
 * a chain asks for; else its file with all of them, which takes 20 ms of a fast core and
 * a MiB. SSL_CERT_FILE and SSL_CERT_DIR say where they are, as in every program with
 * OpenSSL.
 */
bool tls_roots_add(SSL_CTX *ctx);
