/*
 * dialler_race - the first of several addresses that accepts a connection
 *
 * RFC 8305: IPv6 and IPv4 take turns, IPv6 first; the next address is tried 250 ms after
 * the one before, or at once when that has failed. The first to connect wins and the
 * others are closed.
 */
#pragma once

#include <stddef.h>
#include <sys/socket.h>

struct conn;
struct dialler_race;
struct loop;

enum { DIALLER_RACE_MAX = 16 /* addresses of one name that are tried */ };

/* A conn to own, or NULL and a text for a person (lent). Not from inside the functions
 * below. */
typedef void dialler_race_done(void *arg, struct conn *conn, const char *why);

/* Starts with count addresses (1 to DIALLER_RACE_MAX), copied in the order in which they
 * were resolved. */
struct dialler_race *dialler_race_new(struct loop *loop,
                                      const struct sockaddr_storage *addresses,
                                      size_t count,
                                      dialler_race_done *on_done,
                                      void *arg);

/* Ends it, also after on_done. NULL is fine; always returns NULL. */
struct dialler_race *dialler_race_free(struct dialler_race *race);
