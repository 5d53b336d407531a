/*
 * keyring - the hub's own certificates, and their succession
 *
 *   DATA/tls/         CA and leaf in use (base/crypto_folder.h); the CA's key is what
 * agents pin DATA/tls/next/    a successor of both, until it was announced to the agents
 *   DATA/tls/...old   what was in use before
 *   DATA/tls/tickets  TLS session ticket keys
 *
 * Functions block on files; they are for the start, SIGHUP and the command line.
 */
#pragma once

#include <stdbool.h>

#include "base/crypto_folder.h"

struct keyring {
    struct crypto_folder now;
    struct crypto_folder next;
    char *path;      /* owned: DATA/tls */
    char *next_path; /* owned */
    char *tickets;   /* owned */
};

/* Fills in the paths of a data folder. */
void keyring_init(struct keyring *keyring, const char *data);
void keyring_done(struct keyring *keyring);

/* Makes a successor CA and leaf in DATA/tls/next. 0, -errno or CRYPTO_CERT_E_*. */
int keyring_make_next(const struct keyring *keyring,
                      const char *const *names,
                      size_t count,
                      int64_t now_ms);

/* Is a whole successor there? */
bool keyring_has_next(const struct keyring *keyring);

/* The successor becomes what is in use. 0 or -errno. */
int keyring_take_next(const struct keyring *keyring);

/* The pin of the last certificate of a file, and whether it is self-signed. 0, -errno,
 * CRYPTO_CERT_E_*. */
int keyring_read_pin(const char *path,
                     char ret_pin[static CRYPTO_CERT_PIN_LEN + 1],
                     bool *ret_self_signed);
