#include "hub/front/doors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/buf.h"
#include "base/mem.h"
#include "hub/config.h"
#include "loop/guests.h"
#include "loop/listener.h"
#include "loop/netaddr.h"

struct doors {
    struct doors_config config;
    struct guests *guests; /* owned: counts those of all listeners together */
    size_t count;
    struct {
        struct listener *listener; /* owned */
        char *name;                /* owned: as in the settings, for who inherits it */
    } doors[DOORS_MAX];
};

struct doors *doors_new(const struct doors_config *config) {
    struct doors *doors = mem_new(sizeof(*doors));

    doors->config = *config;
    doors->guests = guests_new();
    return doors;
}

static int open_one(struct doors *doors,
                    const char *address,
                    bool plain,
                    char **ret_why) {
    if (doors->count == DOORS_MAX) {
        *ret_why = mem_printf("at most %d addresses to listen on", DOORS_MAX);
        return -E2BIG;
    }
    char *name = mem_printf("%s %s", plain ? "plain" : "tls", address);
    struct listener_config config = {
        .address = address,
        .inherited = handover_take(doors->config.inheritance, name),
        .tls = plain ? NULL : doors->config.tls,
        .limits = doors->config.limits,
        .guests = doors->guests,
        .on_conn = doors->config.on_conn,
        .arg = doors->config.arg,
    };
    int r =
        listener_new(doors->config.loop, &config, &doors->doors[doors->count].listener);
    if (r < 0) {
        *ret_why = mem_printf("cannot listen on %s: %s", address, strerror(-r));
        free(name);
        return r;
    }
    doors->doors[doors->count++].name = name;
    return 0;
}

int doors_open(struct doors *doors, const struct hub_config *config, char **ret_why) {
    int r = 0;

    for (size_t i = 0; r == 0 && i < config->listen.count; i++)
        r = open_one(doors, config->listen.items[i], false, ret_why);
    for (size_t i = 0; r == 0 && i < config->listen_plain.count; i++)
        r = open_one(doors, config->listen_plain.items[i], true, ret_why);
    return r;
}

void doors_close(struct doors *doors) {
    for (size_t i = 0; i < doors->count; i++)
        listener_stop(doors->doors[i].listener);
}

size_t doors_sockets(const struct doors *doors,
                     struct handover_socket ret_sockets[static DOORS_MAX]) {
    size_t count = 0;

    for (size_t i = 0; i < doors->count; i++)
        if (listener_fd(doors->doors[i].listener) >= 0)
            ret_sockets[count++] = (struct handover_socket) {
                .fd = listener_fd(doors->doors[i].listener),
                .name = doors->doors[i].name,
            };
    return count;
}

void doors_print(const struct doors *doors, struct buf *to) {
    for (size_t i = 0; i < doors->count; i++)
        buf_printf(to, "%s%s", i > 0 ? ", " : "",
                   listener_address(doors->doors[i].listener));
}

char *doors_dial_address(const struct doors *doors) {
    const char *text = doors->count > 0 ? listener_address(doors->doors[0].listener) : "";
    struct sockaddr_storage where;
    struct address address;
    char host[NETADDR_KEY_LEN];

    if (doors->count == 0 || strncmp(doors->doors[0].name, "tls ", 4) != 0 ||
        address_parse(slice_of_text(text), &address) != 0)
        return NULL;
    bool is_any =
        netaddr_parse(address.host, address.port, &where) && netaddr_is_any(&where);
    if (!is_any || !netaddr_outward(host))
        return mem_strdup(text);
    return mem_printf("%s:%u", host, (unsigned)address.port);
}

struct doors *doors_free(struct doors *doors) {
    if (!doors)
        return NULL;
    for (size_t i = 0; i < doors->count; i++) {
        listener_free(doors->doors[i].listener);
        free(doors->doors[i].name);
    }
    guests_free(doors->guests);
    free(doors);
    return NULL;
}
