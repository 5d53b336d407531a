#include "agent/power/wake.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"

static void addresses_are_read_in_both_spellings(void) {
    static const uint8_t wanted[] = { 0x52, 0x54, 0x00, 0xab, 0xcd, 0xef };
    static const char *const good[] = { "52:54:00:ab:cd:ef", "52-54-00-AB-CD-EF",
                                        "52:54:00-aB:Cd:eF" };
    static const char *const bad[] = {
        "",
        "52:54:00:ab:cd",
        "52:54:00:ab:cd:e",
        "52:54:00:ab:cd:ef:",
        "52:54:00:ab:cd:eg",
        "52:54:00:ab:cd:ef ",
        "5254.00ab.cdef...",
        "52 54 00 ab cd ef",
        "52:54:00:ab:cd:\xef\xef",
    };
    uint8_t mac[WAKE_MAC_LEN] = { 0 };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CHECK_INT(wake_read_mac(good[i], mac), 0);
        CHECK(memcmp(mac, wanted, sizeof(wanted)) == 0);
    }
    memset(mac, 7, sizeof(mac));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_INT(wake_read_mac(bad[i], mac), -EINVAL);
    CHECK_INT(mac[0], 7);
}

static void the_packet_is_what_cards_wait_for(void) {
    const uint8_t mac[] = { 1, 2, 3, 4, 5, 6 }, password[] = { 9, 8, 7, 6, 5, 4 };
    uint8_t packet[WAKE_PACKET_MAX];

    CHECK_INT(wake_make(mac, NULL, packet), 102);
    for (size_t i = 0; i < 6; i++)
        CHECK_INT(packet[i], 0xff);
    for (size_t i = 6; i < 102; i++)
        CHECK_INT(packet[i], mac[i % 6]);
    CHECK_INT(wake_make(mac, password, packet), 108);
    CHECK(memcmp(packet + 102, password, 6) == 0);
}

TESTS(TEST(addresses_are_read_in_both_spellings), TEST(the_packet_is_what_cards_wait_for))
