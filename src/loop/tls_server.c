#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/tls_start.h"
#include "loop/tls_ticket.h"

struct tls_server {
    SSL_CTX *ctx;                 /* a reference; each connection holds its own */
    struct tls_ticket_keys *keys; /* owned */
};

/* In the order of our preference, as on the wire. */
static const unsigned char protocols[] = "\x02h2\x08http/1.1";

/* A client that offers nothing we speak is told so (RFC 7301, 3.2). */
static int on_alpn(SSL *ssl,
                   const unsigned char **ret_name,
                   unsigned char *ret_len,
                   const unsigned char *offered,
                   unsigned offered_len,
                   void *arg) {
    unsigned char *name = NULL;
    (void)ssl;
    (void)arg;

    int r = SSL_select_next_proto(&name, ret_len, protocols, sizeof(protocols) - 1,
                                  offered, offered_len);
    if (r != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_name = name;
    return SSL_TLSEXT_ERR_OK;
}

/* An encrypted key is refused instead of asking at the terminal; arg is set to true. */
static int on_password(char *at, int size, int writes, void *arg) {
    (void)at;
    (void)size;
    (void)writes;
    *(bool *)arg = true;
    return -1;
}

static SSL_CTX *new_ctx(struct tls_server *server) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        abort();

    tls_start_configure(ctx);
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    tls_ticket_keys_use(server->keys, ctx);
    return ctx;
}

struct tls_server *tls_server_new(void) {
    struct tls_server *server = mem_new(sizeof(*server));

    server->keys = tls_ticket_keys_new();
    server->ctx = new_ctx(server);
    return server;
}

struct tls_server *tls_server_free(struct tls_server *server) {
    if (!server)
        return NULL;
    SSL_CTX_free(server->ctx);
    tls_ticket_keys_free(server->keys);
    free(server);
    return NULL;
}

/* The first error in the queue is the nearest to the file. */
static char *why(const char *path) {
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_reason_error_string(error);

    if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE)
        reason = "no PEM block of the right kind in it";
    return mem_printf("%s: %s", path, reason ? reason : "cannot be used");
}

static int use_files(SSL_CTX *ctx,
                     const char *cert_path,
                     const char *key_path,
                     char **ret_why) {
    bool is_encrypted = false;

    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(ctx, on_password);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, &is_encrypted);
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1) {
        *ret_why = why(cert_path);
        return TLS_E_CERT;
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(ctx) == 1)
        return 0;

    unsigned long error = ERR_peek_last_error();
    if (ERR_GET_LIB(error) == ERR_LIB_X509 &&
        ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH)
        *ret_why = mem_printf("%s: the key does not belong to the certificate in %s",
                              key_path, cert_path);
    else if (is_encrypted)
        *ret_why =
            mem_printf("%s: the key is encrypted; store it without a password", key_path);
    else
        *ret_why = why(key_path);
    return TLS_E_KEY;
}

int tls_server_load(struct tls_server *server,
                    const char *cert_path,
                    const char *key_path,
                    char **ret_why) {
    if (access(cert_path, R_OK) < 0) {
        *ret_why = mem_printf("%s: %s", cert_path, strerror(errno));
        return TLS_E_CERT;
    }
    if (access(key_path, R_OK) < 0) {
        *ret_why = mem_printf("%s: %s", key_path, strerror(errno));
        return TLS_E_KEY;
    }

    SSL_CTX *ctx = new_ctx(server);
    int r = use_files(ctx, cert_path, key_path, ret_why);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
    ERR_clear_error();
    if (r != 0) {
        SSL_CTX_free(ctx);
        return r;
    }
    SSL_CTX_free(server->ctx);
    server->ctx = ctx;
    return 0;
}

int tls_server_keep_tickets(struct tls_server *server, const char *path) {
    return tls_ticket_keys_keep(server->keys, path);
}

int tls_server_renew_tickets(struct tls_server *server) {
    return tls_ticket_keys_renew(server->keys);
}

SSL *tls_server_start(struct tls_server *server) {
    SSL *ssl = SSL_new(server->ctx);
    if (ssl)
        SSL_set_accept_state(ssl);
    return ssl;
}
