/*
 * address - an IP address and a port, as text and as libuv wants it
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

enum {
    ADDRESS_TEXT_LEN = 56, /* room for "[", an IPv6 address, "]:" and a port */
    ADDRESS_KEY_LEN = 46,
};

/* An address literal of either family, without brackets, and a port; false for names. */
bool address_parse(const char *host, unsigned port, struct sockaddr_storage *ret_address);

/* Splits "HOST:PORT", "[V6]:PORT", ":PORT" or "PORT": *ret_host is the caller's, "" when
 * there is none. 0 or -EINVAL. */
int address_split(const char *text, char **ret_host, unsigned *ret_port);

/* "192.0.2.1:4711" or "[2001:db8::1]:4711"; IPv4 within IPv6 is shown as IPv4. */
void address_print(const struct sockaddr_storage *address,
                   char ret_text[static ADDRESS_TEXT_LEN]);

/* The address alone, IPv6 cut to its /64: who one client is for limits. */
void address_print_key(const struct sockaddr_storage *address,
                       char ret_text[static ADDRESS_KEY_LEN]);

/* Is it one of 127.0.0.0/8, ::1, or the former within IPv6? */
bool address_is_loopback(const struct sockaddr_storage *address);

/* The size that bind() and connect() want. */
socklen_t address_len(const struct sockaddr_storage *address);
