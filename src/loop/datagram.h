/*
 * datagram - messages to and from one address, by UDP or as ICMP echoes
 *
 * The socket is connected, so that what others send never comes, and so that the
 * network's own errors do (refused, no route). UDP leaves from a random port. Echoes go
 * by the kernel's datagram sockets for ICMP where it lets us (ping_group_range), else by
 * a raw one (CAP_NET_RAW); either way messages begin behind the ICMP header and are told
 * apart by a number.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

struct datagram;
struct loop;

enum datagram_kind { DATAGRAM_UDP, DATAGRAM_ECHO };

enum { DATAGRAM_MAX = 65536 }; /* the longest that is read */

struct datagram_events {
    /* One came; number is that of the echo, 0 of UDP. Lent for the call, in which the
     * owner may close the datagram. */
    void (*on_bytes)(void *owner, struct slice bytes, unsigned number);
    /* The network could not deliver: -errno (-ECONNREFUSED, -EHOSTUNREACH) and a text
     * for a person; number as above, or 0 when it is not known. The socket lives on. */
    void (*on_error)(void *owner, int error, const char *why, unsigned number);
};

/* 0, or -errno: -EACCES when this process may not send echoes. */
int datagram_open(struct loop *loop,
                  enum datagram_kind kind,
                  const struct sockaddr_storage *peer,
                  const struct datagram_events *events,
                  void *owner,
                  struct datagram **ret_datagram);

/* 0 or -errno. The number, of echoes, is from 1 to 65535. */
int datagram_send(struct datagram *datagram, struct slice bytes, unsigned number);

/* Nothing is told any more. NULL is fine; always returns NULL. */
struct datagram *datagram_close(struct datagram *datagram);
