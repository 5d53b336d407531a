#include "base/address.h"

#include <stdio.h>

#include "base/check.h"

static void hosts_and_ports_are_told_apart(void) {
    static const struct {
        const char *text;
        int result;
        const char *host;
        int port;
    } rows[] = {
        { "hub:8000", 0, "hub", 8000 },
        { "hub.example.org:1", 0, "hub.example.org", 1 },
        { "192.0.2.1:65535", 0, "192.0.2.1", 65535 },
        { "[2001:db8::1]:8000", 0, "2001:db8::1", 8000 },
        { "hub.:80", 0, "hub.", 80 },
        { "", ADDRESS_E_HOST, "", 0 },
        { ":8000", ADDRESS_E_HOST, "", 0 },
        { "hub", ADDRESS_E_PORT, "", 0 },
        { "hub:", ADDRESS_E_PORT, "", 0 },
        { "hub:0", ADDRESS_E_PORT, "", 0 },
        { "hub:65536", ADDRESS_E_PORT, "", 0 },
        { "hub:+80", ADDRESS_E_PORT, "", 0 },
        { "hub:080000", ADDRESS_E_PORT, "", 0 },
        { "[::1]", ADDRESS_E_PORT, "", 0 },
        { "[::x]", ADDRESS_E_HOST, "", 0 },
        { "::1:80", ADDRESS_E_HOST, "", 0 },
        { "[hub]:80", ADDRESS_E_HOST, "", 0 },
        { "[192.0.2.1]:80", ADDRESS_E_HOST, "", 0 },
        { "[]:80", ADDRESS_E_HOST, "", 0 },
        { "[:80", ADDRESS_E_HOST, "", 0 },
        { "1.2.3:80", ADDRESS_E_HOST, "", 0 },
        { "1.2.3.256:80", ADDRESS_E_HOST, "", 0 },
        { "a b:80", ADDRESS_E_HOST, "", 0 },
        { "a/b:80", ADDRESS_E_HOST, "", 0 },
        { "-a:80", ADDRESS_E_HOST, "", 0 },
        { "a-:80", ADDRESS_E_HOST, "", 0 },
        { "a..b:80", ADDRESS_E_HOST, "", 0 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address address = { .port = 7 };
        char text[ADDRESS_TEXT_LEN];
        CHECK_INT(address_parse(slice_of_text(rows[i].text), &address), rows[i].result);
        if (rows[i].result != 0) {
            CHECK_INT(address.port, 7);
            continue;
        }
        CHECK_TEXT(address.host, rows[i].host);
        CHECK_INT(address.port, rows[i].port);
        address_print(&address, text);
        CHECK_TEXT(text, rows[i].text);
    }
}

static void listening_needs_no_host(void) {
    static const struct {
        const char *text;
        int result;
        const char *printed;
    } rows[] = {
        { "8000", 0, "*:8000" },
        { ":8000", 0, "*:8000" },
        { "*:0", 0, "*:0" },
        { "0.0.0.0:80", 0, "0.0.0.0:80" },
        { "[::]:80", 0, "[::]:80" },
        { "localhost:80", 0, "localhost:80" },
        { "", ADDRESS_E_PORT, "" },
        { "hub", ADDRESS_E_PORT, "" },
        { ":", ADDRESS_E_PORT, "" },
        { "70000", ADDRESS_E_PORT, "" },
        { "!:80", ADDRESS_E_HOST, "" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address address;
        char text[ADDRESS_TEXT_LEN];
        CHECK_INT(address_parse_listen(slice_of_text(rows[i].text), &address),
                  rows[i].result);
        if (rows[i].result != 0)
            continue;
        address_print(&address, text);
        CHECK_TEXT(text, rows[i].printed);
    }
}

static void a_host_is_at_most_253_bytes(void) {
    char text[300];
    memset(text, 'a', sizeof(text));
    CHECK(address_is_host(slice_of(text, 253)));
    CHECK(!address_is_host(slice_of(text, 254)));
    CHECK(!address_is_host(slice_of("a\0b", 3)));
}

static void near_addresses_are_known(void) {
    CHECK(address_is_loopback("localhost"));
    CHECK(address_is_loopback("127.255.0.1"));
    CHECK(address_is_loopback("::1"));
    CHECK(address_is_loopback("::ffff:127.0.0.1"));
    CHECK(!address_is_loopback("128.0.0.1"));
    CHECK(!address_is_loopback("::2"));
    CHECK(!address_is_loopback(""));

    static const char *const near[] = { "10.1.2.3",    "172.16.0.1",  "172.31.255.255",
                                        "192.168.1.1", "169.254.1.1", "100.64.0.1",
                                        "fd00::1",     "fe80::1" };
    static const char *const far[] = { "11.0.0.1",    "172.32.0.1",     "172.15.0.1",
                                       "192.169.0.1", "100.128.0.1",    "2001:db8::1",
                                       "fec0::1",     "hub.example.org" };
    for (size_t i = 0; i < 8; i++) {
        CHECK(address_is_private(near[i]));
        CHECK(!address_is_private(far[i]));
    }
}

TESTS(TEST(hosts_and_ports_are_told_apart),
      TEST(listening_needs_no_host),
      TEST(a_host_is_at_most_253_bytes),
      TEST(near_addresses_are_known))
