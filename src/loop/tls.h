/*
 * tls - what both ends of TLS connections share: keys, trust, session tickets
 *
 * TLS 1.3, and 1.2 for old callers. The server side holds a certificate that can be
 * replaced while connections live on, and ticket keys that survive restarts. The client
 * side trusts the system's CAs and the host's name, a CA file, or the pin of a CA's key
 * (a pinned client ignores dates: a Pi boots without a clock). Nothing else includes
 * OpenSSL's TLS.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct tls_server;
struct tls_client;

enum {
    TLS_E_CERT = 1, /* the certificate file cannot be used */
    TLS_E_KEY,      /* the key file cannot be used, or does not fit the certificate */
};

/* Makes a server without a certificate. */
struct tls_server *tls_server_new(void);
struct tls_server *tls_server_free(struct tls_server *server);

/*
 * Reads chain and key (PEM) and uses them for new connections; on failure the old ones
 * stay. 0 or TLS_E_*; then *ret_why gets a text to free that names the file.
 */
int tls_server_load(struct tls_server *server,
                    const char *cert_path,
                    const char *key_path,
                    char **ret_why);

/*
 * Keeps session ticket keys in a file (0600) and rotates them every 12 hours; the
 * previous one still opens tickets, so that a fleet resumes after a restart.
 */
int tls_server_keep_tickets(struct tls_server *server, const char *path);

/* Every client does a whole handshake next: for when the key that it trusts has changed.
 * 0 or -errno of the file. */
int tls_server_renew_tickets(struct tls_server *server);

/* How a client checks the server. */
struct tls_trust {
    const char *pin; /* base64url of SHA-256 of a CA's public key (SPKI): 43 characters;
                        or NULL */
    const char *ca_file; /* PEM; or NULL: the system's CAs when there is no pin either */
    const char *cert_file; /* PEM: a chain of ours that the server asks for; or NULL */
    const char *key_file;  /* PEM: its key; NULL: in the same file */
    bool insecure;         /* checks nothing; seed compatibility and --insecure */
    bool ignore_names;     /* the chain must hold, any name will do */
    bool notes_only; /* goes on with a server that cannot be trusted, and notes why: for
                        probes, which send it nothing of worth. Not with a pin */
};

/* Copies what it needs of trust; -errno when the CA file cannot be read, TLS_E_CERT or
 * TLS_E_KEY when our own certificate cannot be used. Keeps sessions of the servers it met
 * for resumption; session_path (or NULL) keeps them over restarts, 0600. */
int tls_client_new(const struct tls_trust *trust,
                   const char *session_path,
                   struct tls_client **ret_client);
struct tls_client *tls_client_free(struct tls_client *client);

/* What the last failed handshake of this client met, for a person. */
struct tls_mismatch {
    char expected_pin[44]; /* "" when no pin was asked for */
    char seen_pin[44];     /* of the topmost certificate shown */
    char leaf_sha256[65];  /* hex of the leaf's DER */
    char issuer[256];      /* of the leaf: an inspecting proxy shows here */
    char why[256];         /* OpenSSL's reason */
};

/* Lends what was seen at the last handshake (failed or not); NULL before the first. */
const struct tls_mismatch *tls_client_seen(const struct tls_client *client);

/* Of a client that only notes: the DER of the leaf that was shown last, and in
 * tls_client_seen()->why all that is wrong with its chain, "" when it can be trusted.
 * Lent; empty before. */
struct slice tls_client_leaf(const struct tls_client *client);
