#include "agent/usage/usage_port.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static int try_bind(int family, const struct sockaddr *address, socklen_t len) {
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int off = 0;

    if (fd < 0)
        return -errno;
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    int r = bind(fd, address, len) == 0 ? 0 : -errno;
    if (r == 0) {
        struct sockaddr_in6 bound = {
            0
        }; /* the port of sockaddr_in is at the same place */
        socklen_t bound_len = sizeof(bound);
        if (getsockname(fd, (struct sockaddr *)&bound, &bound_len) == 0)
            r = ntohs(bound.sin6_port);
    }
    close(fd);
    return r;
}

/* The port, or -errno. A socket of both families; hosts without IPv6 have one of IPv4. */
static int try_port(uint16_t port) {
    struct sockaddr_in6 both = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };

    int r = try_bind(AF_INET6, (struct sockaddr *)&both, sizeof(both));
    if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)
        r = try_bind(AF_INET, (struct sockaddr *)&four, sizeof(four));
    return r;
}

int usage_port_find(uint16_t first, uint16_t last, uint16_t *ret_port) {
    int r = -EADDRINUSE;
    bool lacks_right = false;

    for (unsigned port = first; port <= last && r < 0; port++) {
        r = try_port((uint16_t)port);
        if (r == -EACCES)
            lacks_right = true;
        else if (r < 0 && r != -EADDRINUSE)
            return r;
    }
    if (r < 0)
        return lacks_right ? -EACCES : -EADDRINUSE;
    *ret_port = (uint16_t)r;
    return 0;
}
