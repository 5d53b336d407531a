#include "agent/policy/policy_place.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/address.h"
#include "base/name.h"

enum { ADDRESS_BITS = 128, MAPPED_BITS = 96, TEXT_MAX = POLICY_PLACE_HOST_MAX + 20 };

/* IPv4 as IPv6 has it (RFC 4291, 2.5.5.2). */
static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
static const uint8_t loopback_v4[16] = { [10] = 0xff, [11] = 0xff, 127, 0, 0, 1 };
static const uint8_t loopback_v6[16] = { [15] = 1 };

static bool is_v4(const uint8_t address[static 16]) {
    return memcmp(address, mapped, sizeof(mapped)) == 0;
}

static bool is_loopback(const uint8_t address[static 16]) {
    return (is_v4(address) && address[12] == 127) ||
           memcmp(address, loopback_v6, 16) == 0;
}

static void to_bytes(const struct sockaddr_storage *address,
                     uint8_t ret_bytes[static 16]) {
    memset(ret_bytes, 0, 16);
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        memcpy(ret_bytes, mapped, sizeof(mapped));
        memcpy(ret_bytes + 12, &v4->sin_addr, 4);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;
        memcpy(ret_bytes, &v6->sin6_addr, 16);
    }
}

/* --- reading --- */

static bool parse_number(const char *text,
                         size_t len,
                         unsigned most,
                         unsigned *ret_number) {
    unsigned number = 0;

    if (len == 0 || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        number = number * 10 + (unsigned)(text[i] - '0');
    }
    *ret_number = number;
    return number <= most;
}

/* "22", "8000-8999" or "*"; "0" is no port, which ICMP has none of. */
static bool parse_ports(const char *text, bool needs_port, struct policy_place *place) {
    const char *dash = strchr(text, '-');
    size_t len = dash ? (size_t)(dash - text) : strlen(text);
    unsigned low;
    unsigned high;

    if (strcmp(text, "*") == 0) {
        place->low = 0;
        place->high = UINT16_MAX;
        return true;
    }
    if (!parse_number(text, len, UINT16_MAX, &low) || (low == 0 && (needs_port || dash)))
        return false;
    high = low;
    if (dash && !parse_number(dash + 1, strlen(dash + 1), UINT16_MAX, &high))
        return false;
    place->low = (uint16_t)low;
    place->high = (uint16_t)high;
    return low <= high;
}

/* "127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8". */
static bool parse_network(const char *text, struct policy_place *place) {
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    unsigned bits;
    unsigned before = 0;

    if (len >= sizeof(host))
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    if (inet_pton(AF_INET6, host, place->address) != 1) {
        memcpy(place->address, mapped, sizeof(mapped));
        if (inet_pton(AF_INET, host, place->address + 12) != 1)
            return false;
        before = MAPPED_BITS;
    }
    bits = ADDRESS_BITS - before;
    if (slash && !parse_number(slash + 1, strlen(slash + 1), bits, &bits))
        return false;
    place->kind = POLICY_PLACE_NETWORK;
    place->bits = before + bits;
    return true;
}

/* Can what is left when wildcards are taken for letters be a name? */
static bool is_name(const char *text) {
    char plain[POLICY_PLACE_HOST_MAX + 1];
    size_t len = strlen(text);

    for (size_t i = 0; i <= len; i++)
        plain[i] = text[i] == '*' || text[i] == '?' ? 'x' : text[i];
    return address_is_host(slice_of(plain, len));
}

static int parse_host(const char *text,
                      struct policy_place *place,
                      const char **ret_why) {
    size_t len = strlen(text);

    if (len == 0 || len > POLICY_PLACE_HOST_MAX) {
        *ret_why = "the host is missing or too long";
        return -EINVAL;
    }
    for (size_t i = 0; i <= len; i++)
        place->host[i] = (char)tolower((unsigned char)text[i]);
    if (strcmp(text, "*") == 0) {
        place->kind = POLICY_PLACE_ANY;
    } else if (strcmp(place->host, "localhost") == 0) {
        place->kind = POLICY_PLACE_LOOPBACK;
    } else if (parse_network(place->host, place)) {
        return 0;
    } else if (strspn(text, "0123456789.*?") == len && strpbrk(text, "*?")) {
        place->kind = POLICY_PLACE_DIGITS;
    } else if (is_name(place->host)) {
        place->kind = POLICY_PLACE_NAME;
    } else {
        *ret_why = "no name, no address and no network: 127.0.0.1, 10.0.0.0/8, [::1], "
                   "db.lan, *.lan";
        return -EINVAL;
    }
    return 0;
}

/* Cuts "HOST:PORTS" or "[HOST]:PORTS" in place; ports is NULL when there are none. */
static bool cut(char *text, char **ret_host, char **ret_ports) {
    char *colon = strrchr(text, ':');
    char *end = strchr(text, ']');

    *ret_host = text;
    *ret_ports = NULL;
    if (text[0] == '[') {
        if (!end || (end[1] != '\0' && end[1] != ':'))
            return false;
        if (end[1] == ':')
            *ret_ports = end + 2;
        *end = '\0';
        *ret_host = text + 1;
        return strchr(*ret_host, ':') != NULL;
    }
    if (!colon)
        return !end;
    *colon = '\0';
    *ret_ports = colon + 1;
    return !end && !strchr(text, ':');
}

int policy_place_parse(const char *text,
                       bool needs_port,
                       struct policy_place *ret_place,
                       const char **ret_why) {
    struct policy_place place = { .high = UINT16_MAX };
    char copy[TEXT_MAX + 1];
    char *host;
    char *ports;

    if (strlen(text) > TEXT_MAX) {
        *ret_why = "it is too long";
        return -EINVAL;
    }
    memcpy(copy, text, strlen(text) + 1);
    if (!cut(copy, &host, &ports)) {
        *ret_why = "write HOST:PORT, an IPv6 address in brackets";
        return -EINVAL;
    }
    if ((!ports && needs_port && strcmp(text, "*") != 0) ||
        (ports && !parse_ports(ports, needs_port, &place))) {
        *ret_why = "it needs a port: 22, 8000-8999 or *, as in 127.0.0.1:22";
        return -EINVAL;
    }
    int r = parse_host(host, &place, ret_why);
    if (r == 0)
        *ret_place = place;
    return r;
}

/* --- comparing --- */

/* IPv4 within IPv6 is what the kernel makes of it. */
static void unwrap(struct sockaddr_storage *address) {
    uint8_t bytes[16];
    struct sockaddr_in v4 = { .sin_family = AF_INET };

    to_bytes(address, bytes);
    if (address->ss_family != AF_INET6 || !is_v4(bytes))
        return;
    v4.sin_port = ((struct sockaddr_in6 *)(void *)address)->sin6_port;
    memcpy(&v4.sin_addr, bytes + 12, 4);
    memset(address, 0, sizeof(*address));
    memcpy(address, &v4, sizeof(v4));
}

void policy_place_settle(struct sockaddr_storage *address) {
    struct sockaddr_in *v4 = (void *)address;
    struct sockaddr_in6 *v6 = (void *)address;

    unwrap(address);
    if (address->ss_family == AF_INET && v4->sin_addr.s_addr == htonl(INADDR_ANY))
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
        v6->sin6_addr = in6addr_loopback;
}

static bool is_port_in(const struct policy_place *place, unsigned port) {
    return port >= place->low && port <= place->high;
}

static bool is_in_network(const struct policy_place *place,
                          const uint8_t address[static 16]) {
    unsigned whole = place->bits / 8;
    unsigned rest = place->bits % 8;

    if (memcmp(place->address, address, whole) != 0)
        return false;
    return rest == 0 || ((place->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

static bool match_digits(const struct policy_place *place,
                         const uint8_t address[static 16]) {
    char text[INET_ADDRSTRLEN];

    return is_v4(address) && inet_ntop(AF_INET, address + 12, text, sizeof(text)) &&
           name_match_glob(place->host, text);
}

/* Is the address one that the place's address, network or glob of digits means? */
static bool has_address(const struct policy_place *place,
                        const uint8_t address[static 16]) {
    switch (place->kind) {
    case POLICY_PLACE_ANY:
        return true;
    case POLICY_PLACE_LOOPBACK:
        return is_loopback(address);
    case POLICY_PLACE_NETWORK:
        return is_in_network(place, address);
    case POLICY_PLACE_DIGITS:
        return match_digits(place, address);
    case POLICY_PLACE_NAME:
        break;
    }
    return false;
}

static bool has_name(const struct policy_place *place, const char *name) {
    char lower[POLICY_PLACE_HOST_MAX + 1];
    size_t len = strlen(name);

    if (len > 0 && name[len - 1] == '.')
        len--;
    if (place->kind != POLICY_PLACE_NAME || len > POLICY_PLACE_HOST_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    lower[len] = '\0';
    return name_match_glob(place->host, lower);
}

bool policy_place_admits(const struct policy_place *place,
                         const char *name,
                         unsigned port,
                         const struct sockaddr_storage *address) {
    uint8_t bytes[16];

    to_bytes(address, bytes);
    return is_port_in(place, port) &&
           (has_address(place, bytes) || has_name(place, name));
}

bool policy_place_denies(const struct policy_place *place,
                         unsigned port,
                         const struct sockaddr_storage *address,
                         bool is_own) {
    uint8_t bytes[16];

    if (!is_port_in(place, port))
        return false;
    to_bytes(address, bytes);
    if (has_address(place, bytes))
        return true;
    if (is_loopback(bytes) || is_own)
        return place->kind == POLICY_PLACE_LOOPBACK || has_address(place, loopback_v4) ||
               has_address(place, loopback_v6);
    return false;
}
