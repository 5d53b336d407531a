/*
 * address - a host and a port, as people write them
 *
 * "hub.example.org:8000", "192.0.2.1:8000", "[2001:db8::1]:8000". No resolution: a host
 * is a name of DNS or an address in digits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    ADDRESS_HOST_MAX = 253, /* the longest name in DNS */
    ADDRESS_TEXT_LEN = ADDRESS_HOST_MAX + 10,
};

enum {
    ADDRESS_E_HOST = 1, /* no host, or no valid one */
    ADDRESS_E_PORT,     /* no port from 1 to 65535 */
};

struct address {
    char host[ADDRESS_HOST_MAX + 1]; /* without brackets; may be empty after _listen */
    uint16_t port;
};

/* Reads "HOST:PORT". */
int address_parse(struct slice text, struct address *ret_address);

/*
 * Reads where to listen: "HOST:PORT", or ":PORT", "*:PORT", "PORT" for every address
 * (host is then empty). Port 0 (any free one) is allowed here.
 */
int address_parse_listen(struct slice text, struct address *ret_address);

/* "HOST:PORT" with brackets where they are needed; an empty host becomes "*". */
void address_print(const struct address *address, char ret_text[static ADDRESS_TEXT_LEN]);

/* Can this be a host? Digits must be a whole address; no brackets. */
bool address_is_host(struct slice text);

/* Is it an address in digits, of either family? */
bool address_is_digits(const char *host);

/* Is the host "localhost" or an address of this machine's loopback? */
bool address_is_loopback(const char *host);

/* Is it an address in digits that works in one's own network only (RFC 1918, 4193,
 * link-local, shared)? */
bool address_is_private(const char *host);
