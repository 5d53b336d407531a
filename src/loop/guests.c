#include "loop/guests.h"

#include <assert.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

struct guests {
    struct map *clients; /* owned; of owned struct client, by conn_peer_key() */
    unsigned count;
};

struct client {
    unsigned count;
};

struct guests *guests_new(void) {
    struct guests *guests = mem_new(sizeof(*guests));
    guests->clients = map_new();
    return guests;
}

struct guests *guests_free(struct guests *guests) {
    if (!guests)
        return NULL;
    assert(guests->count == 0);
    map_free(guests->clients);
    free(guests);
    return NULL;
}

bool guests_is_full(const struct guests *guests,
                    const char *key,
                    unsigned all_max,
                    unsigned client_max) {
    const struct client *client = map_get(guests->clients, key);
    return guests->count >= all_max || (client && client->count >= client_max);
}

void guests_add(struct guests *guests, const char *key) {
    struct client *client = map_get(guests->clients, key);

    if (!client) {
        client = mem_new(sizeof(*client));
        map_put(guests->clients, key, client);
    }
    client->count++;
    guests->count++;
}

void guests_remove(struct guests *guests, const char *key) {
    struct client *client = map_get(guests->clients, key);

    if (--client->count == 0) {
        map_remove(guests->clients, key);
        free(client);
    }
    guests->count--;
}
