#include "base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

/* The address as 16 bytes, IPv4 mapped into IPv6. */
static bool to_bytes(const char *host, uint8_t ret_bytes[static 16]) {
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    if (inet_pton(AF_INET6, host, ret_bytes) == 1)
        return true;
    memcpy(ret_bytes, mapped, sizeof(mapped));
    return inet_pton(AF_INET, host, ret_bytes + 12) == 1;
}

bool address_is_digits(const char *host) {
    uint8_t bytes[16];
    return to_bytes(host, bytes);
}

static bool is_letter(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

/* Labels of letters, digits and inner dashes; not digits and dots alone. */
static bool is_dns_name(struct slice text) {
    bool letters = false;
    uint8_t before = '.';

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        bool inner = c == '-' || c == '.';
        if (!is_letter(c) && !is_digit(c) && !inner)
            return false;
        if (inner && before == '.')
            return false;
        if (c == '.' && before == '-')
            return false;
        letters = letters || is_letter(c);
        before = c;
    }
    return letters && before != '-';
}

bool address_is_host(struct slice text) {
    char host[ADDRESS_HOST_MAX + 1];
    if (text.len == 0 || text.len > ADDRESS_HOST_MAX || memchr(text.at, 0, text.len))
        return false;
    memcpy(host, text.at, text.len);
    host[text.len] = '\0';
    return address_is_digits(host) || is_dns_name(text);
}

static bool parse_port(struct slice text, int low, uint16_t *ret_port) {
    int port = 0;
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.at[i]))
            return false;
        port = port * 10 + (text.at[i] - '0');
    }
    if (port < low || port > 65535)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

/* Takes off the brackets that an IPv6 address must have, and nothing else may. */
static bool take_host(struct slice text, struct slice *ret_host) {
    bool colon = text.len > 0 && memchr(text.at, ':', text.len);
    bool brackets = text.len > 1 && text.at[0] == '[' && text.at[text.len - 1] == ']';
    if (colon != brackets)
        return false;
    *ret_host = brackets ? slice_of(text.at + 1, text.len - 2) : text;
    return true;
}

/* Where the colon before the port is; text.len when there is none. */
static size_t find_colon(struct slice text) {
    for (size_t at = text.len; at > 0 && text.at[at - 1] != ']'; at--)
        if (text.at[at - 1] == ':')
            return at - 1;
    return text.len;
}

/* ADDRESS_E_PORT: there is none, and *ret_host is set all the same. */
static int cut(struct slice text, struct slice *ret_host, struct slice *ret_port) {
    size_t at = find_colon(text);
    if (!take_host(slice_of(text.at, at), ret_host))
        return ADDRESS_E_HOST;
    if (at == text.len)
        return ADDRESS_E_PORT;
    *ret_port = slice_after(text, at + 1);
    return 0;
}

static void set_host(struct address *address, struct slice host) {
    memcpy(address->host, host.at, host.len);
    address->host[host.len] = '\0';
}

int address_parse(struct slice text, struct address *ret_address) {
    struct slice host, port;
    struct address address;

    int r = cut(text, &host, &port);
    if (r != 0)
        return r == ADDRESS_E_PORT && !address_is_host(host) ? ADDRESS_E_HOST : r;
    if (!address_is_host(host))
        return ADDRESS_E_HOST;
    if (!parse_port(port, 1, &address.port))
        return ADDRESS_E_PORT;
    set_host(&address, host);
    *ret_address = address;
    return 0;
}

int address_parse_listen(struct slice text, struct address *ret_address) {
    struct slice host, port;
    struct address address = { 0 };

    if (parse_port(text, 0, &address.port)) {
        *ret_address = address;
        return 0;
    }
    int r = cut(text, &host, &port);
    if (r != 0)
        return r;
    if (!parse_port(port, 0, &address.port))
        return ADDRESS_E_PORT;
    if (host.len > 0 && !slice_is_text(host, "*")) {
        if (!address_is_host(host))
            return ADDRESS_E_HOST;
        set_host(&address, host);
    }
    *ret_address = address;
    return 0;
}

void address_print(const struct address *address,
                   char ret_text[static ADDRESS_TEXT_LEN]) {
    const char *host = address->host[0] ? address->host : "*";
    snprintf(ret_text, ADDRESS_TEXT_LEN, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
             (unsigned)address->port);
}

/* A range of addresses: the first bits of these bytes. */
struct range {
    uint8_t bytes[16];
    unsigned bits;
};

static bool is_within(const uint8_t bytes[static 16], const struct range *range) {
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp(bytes, range->bytes, whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] ^ range->bytes[whole]) >> (8 - rest) == 0;
}

static bool is_in(const char *host, const struct range *ranges, size_t count) {
    uint8_t bytes[16];
    if (!to_bytes(host, bytes))
        return false;
    for (size_t i = 0; i < count; i++)
        if (is_within(bytes, &ranges[i]))
            return true;
    return false;
}

/* IPv4 ranges start after the 96 bits of the mapping. */
#define MAPPED(...)                                                                      \
    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, __VA_ARGS__ }

bool address_is_loopback(const char *host) {
    static const struct range ranges[] = {
        { MAPPED(127), 96 + 8 },
        { { [15] = 1 }, 128 },
    };
    return strcasecmp(host, "localhost") == 0 ||
           is_in(host, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

bool address_is_private(const char *host) {
    static const struct range ranges[] = {
        { MAPPED(10), 96 + 8 },        { MAPPED(172, 16), 96 + 12 },
        { MAPPED(192, 168), 96 + 16 }, { MAPPED(169, 254), 96 + 16 },
        { MAPPED(100, 64), 96 + 10 },  { { 0xfc }, 7 },
        { { 0xfe, 0x80 }, 10 },
    };
    return is_in(host, ranges, sizeof(ranges) / sizeof(ranges[0]));
}
