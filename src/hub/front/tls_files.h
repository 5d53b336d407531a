/*
 * tls_files - the certificate that the hub serves, and how it changes
 *
 * Either the hub's own (keyring.h: agents pin its CA), or one of the owner's ([hub] cert
 * and key: links then say #web). SIGHUP reads everything anew; a successor CA in
 * DATA/tls/next is first announced over the live links, and served when every agent has
 * kept it or 10 s have passed.
 */
#pragma once

struct hub_config;
struct keyring;
struct loop;
struct session_pool;
struct tls_files;
struct tls_server;

enum tls_files_what {
    TLS_FILES_MISSING,   /* whatever is not there yet */
    TLS_FILES_LEAF,      /* a new leaf of the CA that is there */
    TLS_FILES_SUCCESSOR, /* a new CA and its leaf, to be announced by SIGHUP */
};

/* Makes certificates of our own in the data folder: 0, -errno or CRYPTO_CERT_E_*. */
int tls_files_make(const struct hub_config *config, enum tls_files_what what);

/* The certificate file that is served: the owner's or our own. Lent. */
const char *tls_files_cert(const struct hub_config *config,
                           const struct keyring *keyring);

/* Makes what is missing and loads it; looks every day whether our own leaf must be made
 * anew. loop and config are borrowed and outlive it. 0 or -errno, *ret_why to free. */
int tls_files_new(struct loop *loop,
                  const struct hub_config *config,
                  struct tls_files **ret_files,
                  char **ret_why);

/* NULL is fine; always returns NULL. */
struct tls_files *tls_files_free(struct tls_files *files);

struct tls_server *tls_files_server(struct tls_files *files);

/* The pin of the CA in use; "" when a public certificate is served. Lent. */
const char *tls_files_pin(const struct tls_files *files);

/* Takes changed files and names; a failure is logged and what is served stays. */
void tls_files_reload(struct tls_files *files, struct session_pool *sessions);
