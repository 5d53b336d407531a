#include "agent/power/wake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

enum { TIMES = 16, HEAD_LEN = 6 };

static int read_digit(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

int wake_read_mac(const char *text, uint8_t ret_mac[static WAKE_MAC_LEN]) {
    uint8_t mac[WAKE_MAC_LEN];

    if (strlen(text) != WAKE_MAC_TEXT_LEN - 1)
        return -EINVAL;
    for (size_t i = 0; i < WAKE_MAC_LEN; i++, text += 3) {
        int high = read_digit(text[0]), low = read_digit(text[1]);
        bool ends_well = i + 1 == WAKE_MAC_LEN || text[2] == ':' || text[2] == '-';
        if (high < 0 || low < 0 || !ends_well)
            return -EINVAL;
        mac[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(ret_mac, mac, sizeof(mac));
    return 0;
}

size_t wake_make(const uint8_t mac[static WAKE_MAC_LEN],
                 const uint8_t *password,
                 uint8_t ret_packet[static WAKE_PACKET_MAX]) {
    size_t len = HEAD_LEN;

    memset(ret_packet, 0xff, HEAD_LEN);
    for (int i = 0; i < TIMES; i++, len += WAKE_MAC_LEN)
        memcpy(ret_packet + len, mac, WAKE_MAC_LEN);
    if (!password)
        return len;
    memcpy(ret_packet + len, password, WAKE_MAC_LEN);
    return len + WAKE_MAC_LEN;
}

/* The address of everybody in that network; 0: it has none. */
static in_addr_t find_broadcast(const struct ifaddrs *network) {
    const struct sockaddr_in *address = (const struct sockaddr_in *)network->ifa_addr;
    const struct sockaddr_in *mask = (const struct sockaddr_in *)network->ifa_netmask;
    const struct sockaddr_in *said = (const struct sockaddr_in *)network->ifa_broadaddr;

    /* Where nobody set one, the C library says the address itself. */
    if (said && said->sin_addr.s_addr != 0 &&
        said->sin_addr.s_addr != address->sin_addr.s_addr)
        return said->sin_addr.s_addr;
    if (!mask || ntohl(mask->sin_addr.s_addr) >= 0xfffffffe)
        return 0;
    return address->sin_addr.s_addr | ~mask->sin_addr.s_addr;
}

static bool is_meant(const struct ifaddrs *network, const char *interface) {
    unsigned wanted = IFF_UP | IFF_BROADCAST;

    return network->ifa_addr && network->ifa_addr->sa_family == AF_INET &&
           (network->ifa_flags & (wanted | IFF_LOOPBACK)) == wanted &&
           (!interface || strcmp(interface, network->ifa_name) == 0);
}

/* From this network's own address, so that it leaves there. */
static int send_into(const struct ifaddrs *network,
                     in_addr_t everybody,
                     const uint8_t *packet,
                     size_t len) {
    const struct sockaddr_in *own = (const struct sockaddr_in *)network->ifa_addr;
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = own->sin_addr };
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(WAKE_PORT),
        .sin_addr.s_addr = everybody,
    };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1, r = 0;

    if (fd < 0)
        return -errno;
    /* Also where routes say otherwise; kernels before 5.7 want a right for it. */
    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, network->ifa_name,
               (socklen_t)strlen(network->ifa_name));
    if (setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        sendto(fd, packet, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
        r = -errno;
    close(fd);
    return r;
}

int wake_send(const uint8_t *packet,
              size_t len,
              const char *interface,
              struct buf *sent) {
    struct ifaddrs *networks;
    bool is_sent = false;
    int result = -ENODEV;

    if (getifaddrs(&networks) != 0)
        return -errno;
    for (const struct ifaddrs *at = networks; at; at = at->ifa_next) {
        in_addr_t everybody = is_meant(at, interface) ? find_broadcast(at) : 0;
        char text[INET_ADDRSTRLEN];
        if (everybody == 0)
            continue;
        int r = send_into(at, everybody, packet, len);
        if (r < 0) {
            result = r;
            continue;
        }
        is_sent = true;
        inet_ntop(AF_INET, &everybody, text, sizeof(text));
        buf_printf(sent, "%s %s:%d", at->ifa_name, text, WAKE_PORT);
        buf_add_byte(sent, '\0');
    }
    freeifaddrs(networks);
    return is_sent ? 0 : result;
}
