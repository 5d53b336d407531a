/*
 * tls_session - sessions that a client may resume, by server
 *
 * The last session of each server, in memory and, if wished, in a file that only the
 * owner may read. A lost or damaged file costs one full handshake and nothing else, so
 * it is written without waiting for the disk.
 */
#pragma once

#include <openssl/ssl.h>

struct tls_session_store;

/* path may be NULL: in memory only. What the file holds is taken. */
struct tls_session_store *tls_session_store_new(const char *path);
struct tls_session_store *tls_session_store_free(struct tls_session_store *store);

/* The session for the key, or NULL. Lent. */
SSL_SESSION *tls_session_store_find(struct tls_session_store *store, const char *key);

/* Takes the session in place of the one before. */
void tls_session_store_put(struct tls_session_store *store,
                           const char *key,
                           SSL_SESSION *session);
