/*
 * network - traffic per interface and in sum, from /proc/net/dev
 *
 * Interfaces with a device behind them count: cards, USB sticks, Wi-Fi, a virtual
 * machine's virtio. Bridges, bonds, VLANs and tunnels on top of them would count the same
 * bytes again. Where no interface has a device, as in a container, all count but the
 * names in "usually_inner".
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/collect/collector.h"
#include "agent/collect/text.h"
#include "base/mem.h"

static const char usually_inner[] =
    "lo,veth*,docker*,br-*,virbr*,vnet*,lxdbr*,lxcbr*,cni*,cali*,flannel*,cilium*,"
    "kube-*,nodelocaldns,podman*,fwbr*,fwpr*,fwln*,tun*,tap*,wg*,tailscale*,zt*,ppp*,"
    "ifb*,dummy*,sit*,gre*,gretap*,erspan*,ip6tnl*,ip6gre*,ip6_vti*,ip_vti*,tunl*,"
    "teql*,nlmon*,bonding_masters,vcan*,can*,*.*";

enum { RX, TX, RX_PACKETS, TX_PACKETS, ERRORS, DROPS, FIGURES };

static const struct {
    const char *name;
    unsigned factor;
} figures[FIGURES] = {
    [RX] = { "net.rx", 1 },
    [TX] = { "net.tx", 1 },
    [RX_PACKETS] = { "net.rx_packets", 1 },
    [TX_PACKETS] = { "net.tx_packets", 1 },
    [ERRORS] = { "net.errors", 10 },
    [DROPS] = { "net.drops", 10 },
};

/* Columns of /proc/net/dev. */
enum {
    IN_BYTES = 0,
    IN_PACKETS = 1,
    IN_ERRORS = 2,
    IN_DROPS = 3,
    OUT_BYTES = 8,
    OUT_PACKETS = 9,
    OUT_ERRORS = 10,
    OUT_DROPS = 11,
    COLUMNS = 12
};

struct interface {
    char name[IFNAMSIZ];
    bool is_counted;
    bool has_device;
    struct counter counters[FIGURES];
    int places[FIGURES];
};

struct network {
    struct source dev;
    struct interface *interfaces; /* owned; count of them, in the order of the file */
    size_t count;
    int sums[FIGURES]; /* places */
};

static void *network_new(const struct sampling *sampling) {
    struct network *network = mem_new(sizeof(*network));
    source_init(&network->dev, collector_proc_path(sampling, "net/dev"));
    return network;
}

static void network_free(void *self) {
    struct network *network = self;
    source_done(&network->dev);
    free(network->interfaces);
    free(network);
}

/* Takes "  eth0:" of a line; false when it has no such form. */
static bool take_name(const char **at, char ret_name[static IFNAMSIZ]) {
    const char *word;
    size_t len;
    const char *start = *at;

    if (!text_word(at, &word, &len))
        return false;
    const char *colon = memchr(word, ':', len); /* a number may follow without a blank */
    if (!colon || colon == word || colon - word >= IFNAMSIZ) {
        *at = start;
        return false;
    }
    memcpy(ret_name, word, (size_t)(colon - word));
    ret_name[colon - word] = '\0';
    *at = colon + 1;
    return true;
}

static const char *first_line(const char *text) {
    return text_next_line(text_next_line(text));
}

/* Finds by name; a hint of the likely place makes it one comparison. */
static struct interface *find(struct network *network, const char *name, size_t hint) {
    if (hint < network->count && strcmp(network->interfaces[hint].name, name) == 0)
        return &network->interfaces[hint];
    for (size_t i = 0; i < network->count; i++)
        if (strcmp(network->interfaces[i].name, name) == 0)
            return &network->interfaces[i];
    return NULL;
}

static bool has_device(const struct sampling *sampling, const char *name) {
    char *path = mem_printf("%s/class/net/%s/device", sampling->config.sys, name);
    bool is_there = access(path, F_OK) == 0;
    free(path);
    return is_there;
}

static bool is_chosen(const struct sampling *sampling,
                      const struct interface *interface,
                      bool any_device) {
    const struct sampler_config *config = &sampling->config;
    bool by_default = any_device ? interface->has_device
                                 : !text_list_matches(usually_inner, interface->name);

    if (config->net_ignore)
        by_default = !text_list_inside(config->net_ignore, interface->name);
    return collector_chooses(&config->interfaces, interface->name, by_default);
}

/* Reads the names anew; what was known keeps its counters. */
static void read_interfaces(struct network *network, struct sampling *sampling) {
    struct network fresh = { 0 };
    char name[IFNAMSIZ];
    size_t cap = 0;
    bool any_device = false;

    const char *at = first_line(sampling->page.text);
    for (; take_name(&at, name); at = text_next_line(at)) {
        if (fresh.count == cap) {
            cap = cap ? cap * 2 : 8;
            fresh.interfaces =
                mem_grow(fresh.interfaces, cap * sizeof(*fresh.interfaces));
        }
        struct interface *old = find(network, name, fresh.count);
        struct interface *new = &fresh.interfaces[fresh.count++];
        *new = old ? *old : (struct interface) { 0 };
        memcpy(new->name, name, sizeof(name));
        new->has_device = has_device(sampling, name);
        any_device |= new->has_device;
    }
    for (size_t i = 0; i < fresh.count; i++)
        fresh.interfaces[i].is_counted =
            is_chosen(sampling, &fresh.interfaces[i], any_device);
    free(network->interfaces);
    network->interfaces = fresh.interfaces;
    network->count = fresh.count;
}

/* A number that differs when the counted names do (FNV-1a). */
static uint64_t fingerprint(const struct network *network) {
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < network->count; i++) {
        if (!network->interfaces[i].is_counted)
            continue;
        for (const char *c = network->interfaces[i].name; *c; c++)
            hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
        hash = (hash ^ '/') * UINT64_C(1099511628211);
    }
    return hash;
}

static bool network_scan(void *self, struct sampling *sampling) {
    struct network *network = self;
    uint64_t before = fingerprint(network);

    if (source_open(&network->dev) < 0 || source_read(&network->dev, &sampling->page) < 0)
        return false;
    read_interfaces(network, sampling);
    return fingerprint(network) != before;
}

static void network_declare(void *self, struct sampling *sampling) {
    struct network *network = self;
    bool any = false;

    for (size_t i = 0; i < network->count; i++)
        any |= network->interfaces[i].is_counted;
    for (size_t f = 0; f < FIGURES; f++)
        network->sums[f] = any ? collector_add(sampling, figures[f].name, NULL) : -1;
    for (size_t i = 0; i < network->count; i++) {
        struct interface *interface = &network->interfaces[i];
        for (size_t f = 0; f < FIGURES; f++)
            interface->places[f] =
                interface->is_counted
                    ? collector_add(sampling, figures[f].name, interface->name)
                    : -1;
    }
}

static void take_interface(struct interface *interface,
                           struct sampling *sampling,
                           const uint64_t column[static COLUMNS],
                           int64_t sums[static FIGURES]) {
    const uint64_t now[FIGURES] = {
        [RX] = column[IN_BYTES],
        [TX] = column[OUT_BYTES],
        [RX_PACKETS] = column[IN_PACKETS],
        [TX_PACKETS] = column[OUT_PACKETS],
        [ERRORS] = column[IN_ERRORS] + column[OUT_ERRORS],
        [DROPS] = column[IN_DROPS] + column[OUT_DROPS],
    };

    for (size_t f = 0; f < FIGURES; f++) {
        int64_t rate =
            collector_rate(sampling, &interface->counters[f], now[f], figures[f].factor);
        collector_set(sampling, interface->places[f], rate);
        if (rate != SAMPLER_ABSENT)
            sums[f] = sums[f] == SAMPLER_ABSENT ? rate : sums[f] + rate;
    }
}

/* Values of interfaces that are gone must not stay until the next scan. */
static void forget_values(const struct network *network, struct sampling *sampling) {
    for (size_t i = 0; i < network->count; i++)
        for (size_t f = 0; f < FIGURES && network->interfaces[i].is_counted; f++)
            collector_set(sampling, network->interfaces[i].places[f], SAMPLER_ABSENT);
}

static void network_take(void *self, struct sampling *sampling) {
    struct network *network = self;
    int64_t sums[FIGURES];
    char name[IFNAMSIZ];
    size_t line = 0;

    if (source_read(&network->dev, &sampling->page) < 0)
        return;
    for (size_t f = 0; f < FIGURES; f++)
        sums[f] = SAMPLER_ABSENT;
    forget_values(network, sampling);
    const char *at = first_line(sampling->page.text);
    for (; take_name(&at, name); at = text_next_line(at), line++) {
        uint64_t column[COLUMNS] = { 0 };
        struct interface *interface = find(network, name, line);
        if (!interface)
            sampling->wants_scan = true;
        else if (interface->is_counted && text_numbers(&at, column, COLUMNS) == COLUMNS)
            take_interface(interface, sampling, column, sums);
    }
    sampling->wants_scan |= line != network->count;
    for (size_t f = 0; f < FIGURES; f++)
        collector_set(sampling, network->sums[f], sums[f]);
}

const struct collector network_collector = {
    .new = network_new,
    .free = network_free,
    .scan = network_scan,
    .declare = network_declare,
    .take = network_take,
};
