/*
 * netaddr - an IP address and a port as sockets want it, from and to text
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

enum {
    NETADDR_TEXT_LEN = 56, /* room for "[", an IPv6 address, "]:" and a port */
    NETADDR_KEY_LEN = 46,
};

/* An address literal of either family, without brackets, and a port; false for names. */
bool netaddr_parse(const char *host, unsigned port, struct sockaddr_storage *ret_address);

/* "192.0.2.1:4711" or "[2001:db8::1]:4711"; IPv4 within IPv6 is shown as IPv4. */
void netaddr_print(const struct sockaddr_storage *address,
                   char ret_text[static NETADDR_TEXT_LEN]);

/* The address alone, IPv6 cut to its /64: who one client is for limits. */
void netaddr_print_key(const struct sockaddr_storage *address,
                       char ret_text[static NETADDR_KEY_LEN]);

/* Is it "any address of this machine"? */
bool netaddr_is_any(const struct sockaddr_storage *address);

/*
 * The address of this machine from which it reaches the world (RFC 5737's 192.0.2.1 is
 * asked for; nothing is sent), as text without a port: false when there is no way out.
 */
bool netaddr_outward(char ret_text[static NETADDR_KEY_LEN]);

/* The size that bind() and connect() want. */
socklen_t netaddr_len(const struct sockaddr_storage *address);
