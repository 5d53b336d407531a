#include "hub/front/hosts.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/address.h"
#include "base/mem.h"
#include "hub/config.h"

static void add(struct hosts *hosts, const char *host) {
    if (host[0] != '\0' && hosts->count < HOSTS_MAX)
        hosts->names[hosts->count++] = mem_strdup(host);
}

/* The hosts of "HOST:PORT" texts; parse says what is one. */
static void add_hosts_of(struct hosts *hosts,
                         const struct settings_list *texts,
                         int (*parse)(struct slice text, struct address *ret_address)) {
    struct address address;

    for (size_t i = 0; i < texts->count; i++)
        if (parse(slice_of_text(texts->items[i]), &address) == 0)
            add(hosts, address.host);
}

void hosts_read(struct hosts *hosts, const struct hub_config *config) {
    char name[256] = "";

    hosts_clear(hosts);
    add(hosts, "localhost");
    add(hosts, "127.0.0.1");
    add(hosts, "::1");
    gethostname(name, sizeof(name) - 1);
    add(hosts, name);
    for (size_t i = 0; i < config->hosts.count; i++)
        add(hosts, config->hosts.items[i]);
    add_hosts_of(hosts, &config->addresses, address_parse);
    add_hosts_of(hosts, &config->listen, address_parse_listen);
}

void hosts_clear(struct hosts *hosts) {
    for (size_t i = 0; i < hosts->count; i++)
        free((char *)hosts->names[i]);
    *hosts = (struct hosts) { 0 };
}
