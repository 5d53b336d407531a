#include "loop/netaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PREFIX_LEN = 8 /* bytes of an IPv6 /64 */ };

static struct sockaddr_in *as_v4(const struct sockaddr_storage *address) {
    return (struct sockaddr_in *)(void *)(uintptr_t)address;
}

static struct sockaddr_in6 *as_v6(const struct sockaddr_storage *address) {
    return (struct sockaddr_in6 *)(void *)(uintptr_t)address;
}

bool netaddr_parse(const char *host,
                   unsigned port,
                   struct sockaddr_storage *ret_address) {
    struct sockaddr_storage address = { 0 };

    if (inet_pton(AF_INET, host, &as_v4(&address)->sin_addr) == 1) {
        address.ss_family = AF_INET;
        as_v4(&address)->sin_port = htons((uint16_t)port);
    } else if (inet_pton(AF_INET6, host, &as_v6(&address)->sin6_addr) == 1) {
        address.ss_family = AF_INET6;
        as_v6(&address)->sin6_port = htons((uint16_t)port);
    } else {
        return false;
    }
    *ret_address = address;
    return true;
}

static bool is_mapped(const struct sockaddr_storage *address) {
    return address->ss_family == AF_INET6 &&
           IN6_IS_ADDR_V4MAPPED(&as_v6(address)->sin6_addr);
}

/* The IPv4 address within either family; only for those that have one. */
static const uint8_t *v4_bytes(const struct sockaddr_storage *address) {
    if (address->ss_family == AF_INET6)
        return as_v6(address)->sin6_addr.s6_addr + 12;
    return (const uint8_t *)&as_v4(address)->sin_addr;
}

static bool has_v4(const struct sockaddr_storage *address) {
    return address->ss_family == AF_INET || is_mapped(address);
}

void netaddr_print(const struct sockaddr_storage *address,
                   char ret_text[static NETADDR_TEXT_LEN]) {
    char host[INET6_ADDRSTRLEN];

    if (address->ss_family != AF_INET && address->ss_family != AF_INET6) {
        snprintf(ret_text, NETADDR_TEXT_LEN, "unknown");
        return;
    }
    unsigned port = ntohs(as_v4(address)->sin_port); /* at the same place in both */
    if (has_v4(address)) {
        inet_ntop(AF_INET, v4_bytes(address), host, sizeof(host));
        snprintf(ret_text, NETADDR_TEXT_LEN, "%s:%u", host, port);
    } else {
        inet_ntop(AF_INET6, &as_v6(address)->sin6_addr, host, sizeof(host));
        snprintf(ret_text, NETADDR_TEXT_LEN, "[%s]:%u", host, port);
    }
}

void netaddr_print_key(const struct sockaddr_storage *address,
                       char ret_text[static NETADDR_KEY_LEN]) {
    if (has_v4(address)) {
        inet_ntop(AF_INET, v4_bytes(address), ret_text, NETADDR_KEY_LEN);
    } else if (address->ss_family == AF_INET6) {
        struct in6_addr prefix = { 0 };
        memcpy(&prefix, &as_v6(address)->sin6_addr, PREFIX_LEN);
        inet_ntop(AF_INET6, &prefix, ret_text, NETADDR_KEY_LEN);
    } else {
        snprintf(ret_text, NETADDR_KEY_LEN, "unknown");
    }
}

socklen_t netaddr_len(const struct sockaddr_storage *address) {
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

bool netaddr_is_any(const struct sockaddr_storage *address) {
    if (address->ss_family == AF_INET)
        return as_v4(address)->sin_addr.s_addr == htonl(INADDR_ANY);
    return address->ss_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&as_v6(address)->sin6_addr);
}

bool netaddr_outward(char ret_text[static NETADDR_KEY_LEN]) {
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false;
    bool is_known =
        netaddr_parse("192.0.2.1", 9, &address) &&
        connect(fd, (struct sockaddr *)&address, netaddr_len(&address)) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
        inet_ntop(AF_INET, &as_v4(&address)->sin_addr, ret_text, NETADDR_KEY_LEN) != NULL;
    close(fd);
    return is_known;
}
