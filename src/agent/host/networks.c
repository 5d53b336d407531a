#include "agent/host/networks.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

enum { MAC_LEN = 6 };

/* The address of the card, or NULL. */
static const uint8_t *find_mac(const struct ifaddrs *at) {
    static const uint8_t none[MAC_LEN];
    const struct sockaddr_ll *card =
        (const struct sockaddr_ll *)(const void *)at->ifa_addr;

    if (!at->ifa_addr || at->ifa_addr->sa_family != AF_PACKET ||
        (at->ifa_flags & IFF_LOOPBACK) || card->sll_hatype != ARPHRD_ETHER ||
        card->sll_halen != MAC_LEN || memcmp(card->sll_addr, none, MAC_LEN) == 0)
        return NULL;
    return card->sll_addr;
}

static bool is_real(const char *root, const char *name) {
    auto_(mem_freep) char *path = mem_printf("%s/sys/class/net/%s/device", root, name);
    return file_exists(path);
}

/* " 192.0.2.0/24" of the interface, or "". */
static void print_subnet(const struct ifaddrs *all,
                         const char *name,
                         char *text,
                         size_t cap) {
    text[0] = '\0';
    for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
        char address[INET_ADDRSTRLEN];
        if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET || !at->ifa_netmask ||
            strcmp(at->ifa_name, name) != 0)
            continue;
        in_addr_t own =
            ((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr.s_addr;
        in_addr_t mask =
            ((const struct sockaddr_in *)(const void *)at->ifa_netmask)->sin_addr.s_addr;
        struct in_addr subnet = { .s_addr = own & mask };
        inet_ntop(AF_INET, &subnet, address, sizeof(address));
        snprintf(text, cap, " %s/%d", address, __builtin_popcount(mask));
        return;
    }
}

static void add_all(struct networks *networks,
                    const struct ifaddrs *all,
                    const char *root,
                    bool real_alone) {
    for (const struct ifaddrs *at = all; at && networks->count < NETWORKS_MAX;
         at = at->ifa_next) {
        const uint8_t *mac = find_mac(at);
        char subnet[NETWORKS_TEXT_LEN / 2];
        if (!mac || (real_alone && !is_real(root, at->ifa_name)))
            continue;
        print_subnet(all, at->ifa_name, subnet, sizeof(subnet));
        snprintf(networks->texts[networks->count++], NETWORKS_TEXT_LEN,
                 "%02x:%02x:%02x:%02x:%02x:%02x%s", mac[0], mac[1], mac[2], mac[3],
                 mac[4], mac[5], subnet);
    }
}

void networks_read(struct networks *networks, const char *root) {
    struct ifaddrs *all;

    *networks = (struct networks) { 0 };
    if (getifaddrs(&all) != 0)
        return;
    add_all(networks, all, root, true);
    if (networks->count == 0)
        add_all(networks, all, root, false);
    freeifaddrs(all);
}

char *networks_print(const char *root) {
    struct networks networks;
    struct buf text = { 0 };

    networks_read(&networks, root);
    for (size_t i = 0; i < networks.count; i++)
        buf_printf(&text, "%s%s", i > 0 ? "," : "", networks.texts[i]);
    return buf_take_text(&text);
}
