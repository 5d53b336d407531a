/*
 * wake - the packet that turns on a machine of the same network
 *
 * Six bytes 0xff, sixteen times the address of the sleeping machine's network card, and
 * a password where the card wants one; as a UDP datagram to port 9 of everybody.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf;

enum {
    WAKE_MAC_LEN = 6,
    WAKE_MAC_TEXT_LEN = 18, /* "aa:bb:cc:dd:ee:ff" */
    WAKE_PACKET_MAX = 6 + 16 * WAKE_MAC_LEN + WAKE_MAC_LEN,
    WAKE_PORT = 9,
};

/* Reads "aa:bb:cc:dd:ee:ff", also with '-' between; 0 or -EINVAL. */
int wake_read_mac(const char *text, uint8_t ret_mac[static WAKE_MAC_LEN]);

/* Makes the packet and returns its length. password: NULL or as long as an address. */
size_t wake_make(const uint8_t mac[static WAKE_MAC_LEN],
                 const uint8_t *password,
                 uint8_t ret_packet[static WAKE_PACKET_MAX]);

/*
 * Sends the packet into each network with a broadcast address, or that of one interface
 * alone (NULL: all): 0, and "eth0 192.0.2.255:9" for each is appended with a NUL behind;
 * -ENODEV when there is none, else the -errno of the last that failed.
 */
int wake_send(const uint8_t *packet, size_t len, const char *interface, struct buf *sent);
