#include "loop/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loop/loop_uv.h"
#include "loop/netaddr.h"

struct udp {
    uv_udp_t socket;
    struct loop *loop; /* borrowed: outlives it */
    struct udp_config config;
    int family; /* of the socket */
};

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

static void lend_chunk(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_chunk) {
    struct udp *udp = handle->data;
    (void)suggested;
    *ret_chunk = uv_buf_init((char *)loop_read_chunk(udp->loop), LOOP_READ_CHUNK);
}

/* Errors are those of datagrams that were sent before: they are lost, that is all. */
static void on_read(uv_udp_t *socket,
                    ssize_t len,
                    const uv_buf_t *chunk,
                    const struct sockaddr *from,
                    unsigned flags) {
    struct udp *udp = socket->data;
    struct sockaddr_storage address = { 0 };

    if (len < 0 || !from || (flags & UV_UDP_PARTIAL))
        return;
    memcpy(&address, from,
           from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                       : sizeof(struct sockaddr_in));
    udp->config.on_datagram(udp->config.arg, &address,
                            slice_of(chunk->base, (size_t)len));
}

static int bind_to(struct udp *udp, int family) {
    struct sockaddr_storage any;

    netaddr_parse(family == AF_INET6 ? "::" : "0.0.0.0", udp->config.port, &any);
    udp->family = family;
    return uv_udp_bind(&udp->socket, (const struct sockaddr *)&any, 0);
}

/* Both families at once, unless this machine does not know IPv6. */
static int bind_any(struct udp *udp) {
    int off = 0;
    uv_os_fd_t fd;

    if (uv_fileno((uv_handle_t *)&udp->socket, &fd) == 0)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    return bind_to(udp, AF_INET6);
}

static int start(struct loop *loop, struct udp *udp, int family) {
    int r = uv_udp_init_ex(&loop->uv, &udp->socket,
                           (unsigned)(family == AF_UNSPEC ? AF_INET6 : family));
    if (r < 0) {
        free(udp);
        return r;
    }
    udp->socket.data = udp;
    r = family == AF_UNSPEC ? bind_any(udp) : bind_to(udp, family);
    if (r == 0)
        r = uv_udp_recv_start(&udp->socket, lend_chunk, on_read);
    if (r < 0)
        udp_close(udp);
    return r;
}

static struct udp *make(struct loop *loop, const struct udp_config *config) {
    struct udp *udp = mem_new(sizeof(*udp));

    udp->loop = loop;
    udp->config = *config;
    return udp;
}

int udp_open(struct loop *loop, const struct udp_config *config, struct udp **ret_udp) {
    struct udp *udp = make(loop, config);
    int r = start(loop, udp, config->family);

    if (config->family == AF_UNSPEC && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)) {
        udp = make(loop, config);
        r = start(loop, udp, AF_INET);
    }
    if (r == 0)
        *ret_udp = udp;
    return r;
}

unsigned udp_port(const struct udp *udp) {
    struct sockaddr_storage address;
    int len = sizeof(address);

    if (uv_udp_getsockname(&udp->socket, (struct sockaddr *)&address, &len) < 0)
        return 0;
    return ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

/* An IPv4 address as a socket for both families wants it. */
static void map_address(struct sockaddr_storage *address) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

    memcpy(&v4, address, sizeof(v4));
    v6.sin6_port = v4.sin_port;
    v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
    memcpy(v6.sin6_addr.s6_addr + 12, &v4.sin_addr, sizeof(v4.sin_addr));
    memcpy(address, &v6, sizeof(v6));
}

int udp_send(struct udp *udp, const struct sockaddr_storage *to, struct slice bytes) {
    struct sockaddr_storage address = *to;
    uv_buf_t chunk = uv_buf_init((char *)(uintptr_t)bytes.at, (unsigned)bytes.len);

    if (udp->family == AF_INET6 && address.ss_family == AF_INET)
        map_address(&address);
    int r = uv_udp_try_send(&udp->socket, &chunk, 1, (const struct sockaddr *)&address);
    return r < 0 ? r : 0;
}

struct udp *udp_close(struct udp *udp) {
    if (udp)
        uv_close((uv_handle_t *)&udp->socket, on_closed);
    return NULL;
}
