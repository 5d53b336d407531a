/*
 * doors - where the hub listens
 *
 * One listener for each address of the settings, with TLS or plain. Sockets that a
 * process handed over are used instead of being opened, so that nobody is refused while
 * one hub follows another.
 */
#pragma once

#include <stddef.h>

#include "hub/handover.h"
#include "loop/listener.h"

struct buf;
struct conn;
struct doors;
struct hub_config;

enum { DOORS_MAX = 16 };

struct doors_config {
    struct loop *loop;                    /* borrowed: outlives it */
    struct tls_server *tls;               /* borrowed: outlives it */
    const struct listener_limits *limits; /* borrowed: outlives it; may change */
    struct inheritance *inheritance;      /* borrowed: for doors_open(); may be NULL */
    void (*on_conn)(void *arg, struct conn *conn);
    void *arg; /* borrowed: outlives it */
};

/* Listens nowhere yet. */
struct doors *doors_new(const struct doors_config *config);

/* Listens on every address: 0 or -errno, and *ret_why a text to free. */
int doors_open(struct doors *doors, const struct hub_config *config, char **ret_why);

/* Takes no more connections; those whose handshake is under way still come. */
void doors_close(struct doors *doors);

/* The open sockets and their names, lent: at most DOORS_MAX; returns how many. */
size_t doors_sockets(const struct doors *doors,
                     struct handover_socket ret_sockets[static DOORS_MAX]);

/* Appends the addresses, with their real ports. */
void doors_print(const struct doors *doors, struct buf *to);

/* "192.0.2.7:8000": under which address others may dial the first of them, as far as this
 * machine knows; a new string, NULL: none is open with TLS. */
char *doors_dial_address(const struct doors *doors);

/* NULL is fine; always returns NULL. */
struct doors *doors_free(struct doors *doors);
