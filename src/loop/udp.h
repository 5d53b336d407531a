/*
 * udp - datagrams: one socket, sent without waiting, told as they come
 *
 * Datagrams get lost, so one that the kernel does not take at once is lost too; nothing
 * is queued here.
 */
#pragma once

#include <sys/socket.h>

#include "base/slice.h"

struct loop;
struct udp;

struct udp_config {
    unsigned port; /* of this machine; 0: any */
    int family;    /* AF_INET or AF_INET6; AF_UNSPEC: both, as far as there are both */
    /* bytes are lent for the call; it may close the socket. */
    void (*on_datagram)(void *arg,
                        const struct sockaddr_storage *from,
                        struct slice bytes);
    void *arg; /* borrowed: until udp_close() */
};

/* Opens a socket on every address of this machine: 0 or -errno. */
int udp_open(struct loop *loop, const struct udp_config *config, struct udp **ret_udp);

/* The port that it has. */
unsigned udp_port(const struct udp *udp);

/* Sends one datagram: 0, or -errno and it is lost. An AF_INET address may be given to a
 * socket for both. */
int udp_send(struct udp *udp, const struct sockaddr_storage *to, struct slice bytes);

/* The port is free and on_datagram comes no more. NULL is fine; always returns NULL. */
struct udp *udp_close(struct udp *udp);
