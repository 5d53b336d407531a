#include "loop/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { PREFIX_LEN = 8 /* bytes of an IPv6 /64 */ };

static struct sockaddr_in *as_v4(const struct sockaddr_storage *address) {
    return (struct sockaddr_in *)(void *)(uintptr_t)address;
}

static struct sockaddr_in6 *as_v6(const struct sockaddr_storage *address) {
    return (struct sockaddr_in6 *)(void *)(uintptr_t)address;
}

bool address_parse(const char *host,
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

static int parse_port(const char *text, unsigned *ret_port) {
    size_t len = strspn(text, "0123456789");

    if (len == 0 || len > 5 || text[len] != '\0')
        return -EINVAL;
    unsigned long port = strtoul(text, NULL, 10);
    if (port > 65535)
        return -EINVAL;
    *ret_port = (unsigned)port;
    return 0;
}

int address_split(const char *text, char **ret_host, unsigned *ret_port) {
    const char *colon = strrchr(text, ':');
    const char *host = text;
    size_t host_len = colon ? (size_t)(colon - text) : 0;

    int r = parse_port(colon ? colon + 1 : text, ret_port);
    if (r < 0)
        return r;
    if (host_len >= 2 && host[0] == '[' && host[host_len - 1] == ']') {
        host++;
        host_len -= 2;
    } else if (memchr(host, ':', host_len)) {
        return -EINVAL; /* an IPv6 address without brackets */
    }
    *ret_host = mem_dup(host, host_len);
    return 0;
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

void address_print(const struct sockaddr_storage *address,
                   char ret_text[static ADDRESS_TEXT_LEN]) {
    char host[INET6_ADDRSTRLEN];

    if (address->ss_family != AF_INET && address->ss_family != AF_INET6) {
        snprintf(ret_text, ADDRESS_TEXT_LEN, "unknown");
        return;
    }
    unsigned port = ntohs(as_v4(address)->sin_port); /* at the same place in both */
    if (has_v4(address)) {
        inet_ntop(AF_INET, v4_bytes(address), host, sizeof(host));
        snprintf(ret_text, ADDRESS_TEXT_LEN, "%s:%u", host, port);
    } else {
        inet_ntop(AF_INET6, &as_v6(address)->sin6_addr, host, sizeof(host));
        snprintf(ret_text, ADDRESS_TEXT_LEN, "[%s]:%u", host, port);
    }
}

void address_print_key(const struct sockaddr_storage *address,
                       char ret_text[static ADDRESS_KEY_LEN]) {
    if (has_v4(address)) {
        inet_ntop(AF_INET, v4_bytes(address), ret_text, ADDRESS_KEY_LEN);
    } else if (address->ss_family == AF_INET6) {
        struct in6_addr prefix = { 0 };
        memcpy(&prefix, &as_v6(address)->sin6_addr, PREFIX_LEN);
        inet_ntop(AF_INET6, &prefix, ret_text, ADDRESS_KEY_LEN);
    } else {
        snprintf(ret_text, ADDRESS_KEY_LEN, "unknown");
    }
}

bool address_is_loopback(const struct sockaddr_storage *address) {
    if (has_v4(address))
        return v4_bytes(address)[0] == 127;
    return address->ss_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&as_v6(address)->sin6_addr);
}

socklen_t address_len(const struct sockaddr_storage *address) {
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}
