/*
 * conn_tcp - the lowest layer: bytes on a TCP socket
 *
 * Writes are tried at once, and only the remainder that the kernel refuses is copied and
 * queued. Reading uses the loop's one chunk, at most READS_MAX times a turn.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

struct conn;
struct conn_base;
struct loop;

/* Takes an accepted socket; its peer is address. -errno: the socket is closed. */
int conn_tcp_accept(struct loop *loop,
                    int fd,
                    const struct sockaddr_storage *address,
                    struct conn **ret_conn);

/*
 * Opens a connection. on_connected(arg, status) comes later, once, unless the conn is
 * closed before; status is 0 or -errno. The caller owns the conn at once.
 */
struct conn *conn_tcp_connect(struct loop *loop,
                              const struct sockaddr_storage *address,
                              void (*on_connected)(void *arg, int status),
                              void *arg);

/* Closing it will reset the connection, whatever is left to send. */
void conn_tcp_linger(struct conn_base *base);

/* Opens a connection to a socket in the file system, at once: 0 or -errno. */
int conn_tcp_connect_path(struct loop *loop, const char *path, struct conn **ret_conn);
