/*
 * policy_place - a host and a port as a policy names them, and whether something is there
 *
 *   127.0.0.1:22   [::1]:22   10.0.0.0/8:5432   [fd00::/8]:*   192.168.1.*:80
 *   localhost:8000-8999       db.example.org:5432   *.lan:22   *:443   *
 *
 * An address stands for itself however it is written, since what is compared is what a
 * name was resolved to; `localhost` for every address of the loopback. Other names are
 * compared with the name that was asked for, so that a place with one admits what the
 * name means at that moment, and cannot be used to deny.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { POLICY_PLACE_HOST_MAX = 253 };

enum policy_place_kind {
    POLICY_PLACE_ANY,
    POLICY_PLACE_LOOPBACK, /* localhost */
    POLICY_PLACE_NETWORK,  /* an address, or the addresses that begin like it */
    POLICY_PLACE_DIGITS,   /* a glob of IPv4 addresses */
    POLICY_PLACE_NAME,     /* a name, or a glob of names */
};

struct policy_place {
    enum policy_place_kind kind;
    uint8_t address[16];                  /* IPv4 as IPv6 has it */
    unsigned bits;                        /* of it that count */
    char host[POLICY_PLACE_HOST_MAX + 1]; /* lower case */
    uint16_t low;                         /* of the ports */
    uint16_t high;
};

/*
 * Reads one: 0, or -EINVAL and *ret_why (static) says what is wrong. needs_port: a place
 * without a port (but "*") makes no sense, as for tcp; else it means every port, and 0
 * none (of ICMP).
 */
int policy_place_parse(const char *text,
                       bool needs_port,
                       struct policy_place *ret_place,
                       const char **ret_why);

/* Brings an address into the one form that is compared: IPv4 within IPv6 becomes IPv4,
 * and 0.0.0.0 and ::, which reach this host, its loopback. */
void policy_place_settle(struct sockaddr_storage *address);

/* May the address be reached because of this place? name: as it was asked for. */
bool policy_place_admits(const struct policy_place *place,
                         const char *name,
                         unsigned port,
                         const struct sockaddr_storage *address);

/* Is the address denied by this place? Every address of this host is the same one here;
 * is_own: it is one of those besides the loopback. */
bool policy_place_denies(const struct policy_place *place,
                         unsigned port,
                         const struct sockaddr_storage *address,
                         bool is_own);
