/*
 * tls_ticket - the keys that seal TLS session tickets
 *
 * Two keys: one seals, and the one before it still opens. They change every 12 hours and
 * may live in a file, so that clients resume after a restart. Tickets are stateless: no
 * server keeps a session.
 */
#pragma once

#include <openssl/ssl.h>

struct tls_ticket_keys;

/* Random keys that live in memory only. */
struct tls_ticket_keys *tls_ticket_keys_new(void);
struct tls_ticket_keys *tls_ticket_keys_free(struct tls_ticket_keys *keys);

/* Takes the keys from the file, or makes it (0600): 0 or -errno. A damaged file is
 * replaced. */
int tls_ticket_keys_keep(struct tls_ticket_keys *keys, const char *path);

/* No ticket made before opens any more: 0 or -errno of the file. */
int tls_ticket_keys_renew(struct tls_ticket_keys *keys);

/* Makes the context seal and open with these keys, which outlive it. */
void tls_ticket_keys_use(struct tls_ticket_keys *keys, SSL_CTX *ctx);
