#include "hub/probes/echo_gate.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/crypto.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/netaddr.h"

enum { REFILL_NUMERATOR = 5, REFILL_DENOMINATOR = 4 }; /* clocks differ, timers jump */

struct echo_gate {
    struct list passes;
    size_t count;
};

struct echo_pass {
    struct list node;
    struct echo_gate *gate; /* borrowed: outlives its passes */
    uint8_t id[ECHO_GATE_ID_LEN];
    uint8_t host[16]; /* IPv4 within IPv6 */
    size_t size;
    uint64_t interval_us;
    uint64_t credit_us; /* an answer costs an interval */
    uint64_t seen_us;   /* when credit was counted */
};

struct echo_gate *echo_gate_new(void) {
    struct echo_gate *gate = mem_new(sizeof(*gate));

    list_init(&gate->passes);
    return gate;
}

struct echo_gate *echo_gate_free(struct echo_gate *gate) {
    if (!gate)
        return NULL;
    assert(list_is_empty(&gate->passes));
    free(gate);
    return NULL;
}

/* An address as 16 bytes, whatever the family. */
static bool host_of(const struct sockaddr_storage *address, uint8_t ret_host[static 16]) {
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;

    if (address->ss_family == AF_INET6) {
        memcpy(&v6, address, sizeof(v6));
        memcpy(ret_host, &v6.sin6_addr, 16);
        return true;
    }
    if (address->ss_family != AF_INET)
        return false;
    memcpy(&v4, address, sizeof(v4));
    memset(ret_host, 0, 10);
    memset(ret_host + 10, 0xff, 2);
    memcpy(ret_host + 12, &v4.sin_addr, 4);
    return true;
}

static bool parse_peer(const char *peer, uint8_t ret_host[static 16]) {
    struct sockaddr_storage storage;
    struct address address;

    return address_parse(slice_of_text(peer), &address) == 0 &&
           netaddr_parse(address.host, address.port, &storage) &&
           host_of(&storage, ret_host);
}

struct echo_pass *echo_gate_admit(struct echo_gate *gate,
                                  const char *peer,
                                  size_t size,
                                  unsigned interval_ms) {
    uint8_t host[16];

    if (gate->count == ECHO_GATE_PASSES_MAX || !parse_peer(peer, host))
        return NULL;
    struct echo_pass *pass = mem_new(sizeof(*pass));
    pass->gate = gate;
    pass->size = size;
    pass->interval_us = (uint64_t)interval_ms * 1000;
    pass->credit_us = pass->interval_us * ECHO_GATE_BURST;
    memcpy(pass->host, host, sizeof(pass->host));
    crypto_random(pass->id, sizeof(pass->id));
    list_add_tail(&gate->passes, &pass->node);
    gate->count++;
    return pass;
}

void echo_gate_move(struct echo_pass *pass, const char *peer) {
    uint8_t host[16];

    if (parse_peer(peer, host))
        memcpy(pass->host, host, sizeof(pass->host));
}

void echo_gate_fit(struct echo_pass *pass, size_t size, unsigned interval_ms) {
    pass->size = size;
    pass->interval_us = (uint64_t)interval_ms * 1000;
}

const uint8_t *echo_gate_id(const struct echo_pass *pass) {
    return pass->id;
}

struct echo_pass *echo_gate_dismiss(struct echo_pass *pass) {
    if (!pass)
        return NULL;
    list_remove(&pass->node);
    pass->gate->count--;
    free(pass);
    return NULL;
}

static bool is_meant(const struct echo_pass *pass,
                     const uint8_t host[static 16],
                     struct slice datagram) {
    return datagram.len == pass->size && datagram.len >= ECHO_GATE_HEAD_LEN &&
           crypto_equal(datagram.at, pass->id, ECHO_GATE_ID_LEN) &&
           memcmp(host, pass->host, sizeof(pass->host)) == 0;
}

static bool pay(struct echo_pass *pass, uint64_t now_us) {
    uint64_t most_us = pass->interval_us * ECHO_GATE_BURST;
    uint64_t since_us = pass->seen_us ? now_us - pass->seen_us : 0;

    if (since_us > most_us)
        since_us = most_us;
    pass->seen_us = now_us;
    pass->credit_us += since_us * REFILL_NUMERATOR / REFILL_DENOMINATOR;
    if (pass->credit_us > most_us)
        pass->credit_us = most_us;
    if (pass->credit_us < pass->interval_us)
        return false;
    pass->credit_us -= pass->interval_us;
    return true;
}

bool echo_gate_answers(struct echo_gate *gate,
                       const struct sockaddr_storage *from,
                       struct slice datagram,
                       uint64_t now_us) {
    uint8_t host[16];

    if (datagram.len > ECHO_GATE_SIZE_MAX || !host_of(from, host))
        return false;
    list_for_each_safe(node, after, &gate->passes) {
        struct echo_pass *pass = container_of(node, struct echo_pass, node);
        if (is_meant(pass, host, datagram))
            return pay(pass, now_us);
    }
    return false;
}
