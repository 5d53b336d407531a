#include "agent/collect/diagnose/diagnose_network.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/diagnose/diagnose.h"
#include "agent/collect/folder.h"
#include "agent/collect/text.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"

enum { ROUTES_MAX = 65536, ERRORS_MANY = 100, RESOLV_MAX = 65536 };

static unsigned prefix_of(const void *mask, size_t len) {
    const uint8_t *bytes = mask;
    unsigned bits = 0;

    for (size_t i = 0; i < len; i++)
        bits += (unsigned)__builtin_popcount(bytes[i]);
    return bits;
}

static void add_address(struct buf *out, const struct ifaddrs *entry) {
    char text[INET6_ADDRSTRLEN];
    unsigned bits = 0;

    if (entry->ifa_addr->sa_family == AF_INET) {
        const struct sockaddr_in *at = (const void *)entry->ifa_addr;
        const struct sockaddr_in *mask = (const void *)entry->ifa_netmask;
        inet_ntop(AF_INET, &at->sin_addr, text, sizeof(text));
        bits = mask ? prefix_of(&mask->sin_addr, 4) : 32;
    } else {
        const struct sockaddr_in6 *at = (const void *)entry->ifa_addr;
        const struct sockaddr_in6 *mask = (const void *)entry->ifa_netmask;
        inet_ntop(AF_INET6, &at->sin6_addr, text, sizeof(text));
        bits = mask ? prefix_of(&mask->sin6_addr, 16) : 128;
    }
    buf_printf(out, "%s%s/%u", out->len > 0 ? ", " : "", text, bits);
}

/* Another tree's interfaces have no addresses here. */
static void add_addresses(struct diagnose *diagnose,
                          const char *name,
                          const struct ifaddrs *all) {
    struct buf text = { 0 };

    for (; all; all = all->ifa_next)
        if (all->ifa_addr && strcmp(all->ifa_name, name) == 0 &&
            (all->ifa_addr->sa_family == AF_INET || all->ifa_addr->sa_family == AF_INET6))
            add_address(&text, all);
    diagnose_add(diagnose, "addresses", "%s", buf_text(&text));
    buf_done(&text);
}

static void add_errors(struct diagnose *diagnose, const char *name) {
    static const struct {
        const char *name, *file;
    } kinds[] = {
        { "receive errors", "rx_errors" }, { "send errors", "tx_errors" },
        { "receive drops", "rx_dropped" }, { "send drops", "tx_dropped" },
        { "CRC errors", "rx_crc_errors" }, { "carrier losses", "tx_carrier_errors" },
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        long long count = diagnose_number(diagnose, 0, "/sys/class/net/%s/statistics/%s",
                                          name, kinds[i].file);
        if (count == 0)
            continue;
        diagnose_add(diagnose, kinds[i].name, "%lld", count);
        if (count >= ERRORS_MANY && strstr(kinds[i].file, "errors"))
            diagnose_worry(diagnose, "%lld %s", count, kinds[i].name);
    }
}

static void add_interface(struct diagnose *diagnose,
                          const char *name,
                          const struct ifaddrs *addresses) {
    auto_(mem_freep) char *state =
        diagnose_read(diagnose, "/sys/class/net/%s/operstate", name);
    auto_(mem_freep) char *duplex =
        diagnose_read(diagnose, "/sys/class/net/%s/duplex", name);
    auto_(mem_freep) char *driver =
        diagnose_link(diagnose, "/sys/class/net/%s/device/driver", name);
    long long speed = diagnose_number(diagnose, -1, "/sys/class/net/%s/speed", name);

    diagnose_item(diagnose, name);
    diagnose_add(diagnose, "state", "%s", state);
    add_addresses(diagnose, name, addresses);
    diagnose_add_file(diagnose, "hardware", "/sys/class/net/%s/address", name);
    diagnose_add_file(diagnose, "mtu", "/sys/class/net/%s/mtu", name);
    if (speed > 0)
        diagnose_add(diagnose, "Mbit/s", "%lld %s", speed, duplex);
    diagnose_add(diagnose, "driver", "%s", driver);
    if (strcmp(duplex, "half") == 0 && strcmp(state, "up") == 0)
        diagnose_worry(diagnose, "it sends or receives, but not both (half duplex)");
    add_errors(diagnose, name);
}

static void add_interfaces(struct diagnose *diagnose) {
    auto_(mem_freep) char *path = mem_printf("%s/sys/class/net", diagnose->root);
    struct ifaddrs *addresses = NULL;
    struct folder names;

    if (diagnose->root[0] == '\0' && getifaddrs(&addresses) != 0)
        addresses = NULL;
    folder_list(&names, path, "*");
    for (size_t i = 0; i < names.count; i++)
        add_interface(diagnose, names.names[i], addresses);
    folder_done(&names);
    if (addresses)
        freeifaddrs(addresses);
}

enum { ROUTE_WORDS = 10, ROUTE_WORD = 33 };

/* The words of a line of /proc/net/route or ipv6_route, as far as they are as short as
 * those: how many. */
static size_t take_words(const char *line, char ret_words[ROUTE_WORDS][ROUTE_WORD]) {
    const char *word;
    size_t count = 0, len;

    while (count < ROUTE_WORDS && text_word(&line, &word, &len) && len < ROUTE_WORD) {
        memcpy(ret_words[count], word, len);
        ret_words[count++][len] = '\0';
    }
    return count;
}

static uint32_t hex_of(const char *word) {
    return (uint32_t)strtoul(word, NULL, 16);
}

/* "eth0 00000000 0102A8C0 0003 0 0 100 00000000": numbers as the processor has them. */
static void add_route(struct diagnose *diagnose, const char *line) {
    char words[ROUTE_WORDS][ROUTE_WORD], text[INET_ADDRSTRLEN];

    if (take_words(line, words) < 8 || hex_of(words[1]) != 0 || hex_of(words[7]) != 0)
        return;
    uint32_t via = hex_of(words[2]);
    diagnose_item(diagnose, "default route");
    diagnose_add(diagnose, "via", "%s",
                 inet_ntop(AF_INET, &via, text, sizeof(text)) ? text : "");
    diagnose_add(diagnose, "interface", "%s", words[0]);
    diagnose_add(diagnose, "metric", "%s", words[6]);
}

/* 32 hex digits, a length, source and length, gateway, metric, ..., interface. */
static void add_route6(struct diagnose *diagnose, const char *line) {
    char words[ROUTE_WORDS][ROUTE_WORD], text[INET6_ADDRSTRLEN];
    uint8_t bytes[16];

    if (take_words(line, words) < 10 || hex_of(words[1]) != 0 ||
        strcmp(words[9], "lo") == 0 || !hex_decode(bytes, sizeof(bytes), words[4]))
        return;
    diagnose_item(diagnose, "default route (IPv6)");
    diagnose_add(diagnose, "via", "%s",
                 inet_ntop(AF_INET6, bytes, text, sizeof(text)) ? text : "");
    diagnose_add(diagnose, "interface", "%s", words[9]);
    diagnose_add(diagnose, "metric", "%u", hex_of(words[5]));
}

static void each_line(struct diagnose *diagnose,
                      const char *file,
                      void (*on_line)(struct diagnose *diagnose, const char *line)) {
    auto_(mem_freep) char *path = mem_printf("%s%s", diagnose->root, file);
    struct buf text = { 0 };
    char *rest = NULL;

    if (file_read(path, ROUTES_MAX, &text) != 0)
        return;
    char *lines = buf_take_text(&text);
    for (char *line = strtok_r(lines, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest))
        on_line(diagnose, line);
    free(lines);
}

static void add_name_server(struct diagnose *diagnose, const char *line) {
    char word[16], value[256];

    if (sscanf(line, "%15s %255[^\n]", word, value) != 2)
        return;
    if (strcmp(word, "nameserver") == 0)
        diagnose_add(diagnose, "server", "%s", value);
    else if (strcmp(word, "search") == 0 || strcmp(word, "domain") == 0)
        diagnose_add(diagnose, "search", "%s", value);
}

void diagnose_network(struct diagnose *diagnose) {
    diagnose_begin(diagnose, "network");
    add_interfaces(diagnose);
    each_line(diagnose, "/proc/net/route", add_route);
    each_line(diagnose, "/proc/net/ipv6_route", add_route6);
    diagnose_item(diagnose, "name service");
    each_line(diagnose, "/etc/resolv.conf", add_name_server);
}
