#include "agent/probe/service_transfer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/acts/act.h"
#include "agent/link/hub_only.h"
#include "agent/policy/policy.h"
#include "agent/probe/datagrams.h"
#include "base/address.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/netaddr.h"
#include "loop/timer.h"
#include "roost/v1/transfer.pb-c.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/services.h"

enum {
    STREAMS_MAX = 8,      /* of bytes, at the same time */
    CHUNK = 32768,        /* bytes of one message */
    BATCH = 4,            /* messages that are given at once */
    GIVE_MAX_MS = 60000,  /* the longest that bytes are given */
    TALLY_US = 100000,    /* how often is told what has come */
    ECHO_WAITING = 65536, /* bytes that a hub which does not read may cost */
};

struct service_transfer {
    struct service_transfer_config config;
    struct datagrams *datagrams; /* owned */
    size_t streams;              /* of bytes */
};

/* Bytes that come. */
struct taking {
    struct service_transfer *service; /* borrowed: outlives its calls */
    uint64_t bytes;
    uint64_t first_us; /* 0: nothing came */
    uint64_t told_us;
};

/* Bytes that go. */
struct giving {
    struct service_transfer *service; /* borrowed: outlives its calls */
    struct invocation *invocation;    /* borrowed: until on_gone */
    struct timer end;
    uint64_t left;
    uint8_t bytes[CHUNK]; /* random: nothing on the way can shrink them */
};

/* --- who may --- */

/* Where the link leads to, as the policy names it. */
static bool find_hub(const struct invocation *invocation,
                     struct address *ret_hub,
                     struct sockaddr_storage *ret_address) {
    const char *peer = invocation_call(invocation)->peer;

    return peer && address_parse(slice_of_text(peer), ret_hub) == 0 &&
           netaddr_parse(ret_hub->host, ret_hub->port, ret_address);
}

/* The hub may be tested with unless a line says no: false, and it was answered. */
static bool may_test(struct service_transfer *service,
                     struct invocation *invocation,
                     const struct address *to,
                     struct sockaddr_storage address,
                     bool is_hub) {
    struct policy *policy = service->config.policy;
    const struct policy_rule *denied = NULL;
    char object[ADDRESS_TEXT_LEN];

    policy_refresh(policy, loop_now_ms(service->config.loop));
    size_t kept = policy_keep_places(policy, POLICY_PROBE, to->host, to->port, &address,
                                     1, &denied);
    if (kept > 0 || (is_hub && !denied && !policy_trouble(policy)))
        return true;
    address_print(to, object);
    act_refuse(service->config.acts, invocation, POLICY_PROBE, object);
    return false;
}

static bool is_let_in(struct service_transfer *service, struct invocation *invocation) {
    struct sockaddr_storage address;
    struct address hub;

    if (!hub_only(invocation))
        return false;
    if (find_hub(invocation, &hub, &address))
        return may_test(service, invocation, &hub, address, true);
    invocation_finish(invocation, GRPC_FAILED_PRECONDITION,
                      "the link has no address to be tested with");
    return false;
}

static bool has_room(struct service_transfer *service, struct invocation *invocation) {
    if (service->streams < STREAMS_MAX)
        return true;
    invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED, "%d transfers are under way",
                      STREAMS_MAX);
    return false;
}

/* --- bytes that come --- */

static void on_taking_gone(struct invocation *invocation, void *user) {
    struct taking *taking = user;

    taking->service->streams--;
    free(taking);
}

static struct taking *begin_taking(struct service_transfer *service,
                                   struct invocation *invocation) {
    if (!is_let_in(service, invocation) || !has_room(service, invocation))
        return NULL;
    struct taking *taking = mem_new(sizeof(*taking));
    taking->service = service;
    service->streams++;
    invocation_set_user(invocation, taking, on_taking_gone);
    return taking;
}

static void tell_tally(struct invocation *invocation, struct taking *taking) {
    Roost__V1__TransferTally tally = ROOST__V1__TRANSFER_TALLY__INIT;

    taking->told_us = loop_clock_us();
    tally.bytes = taking->bytes;
    tally.microseconds = taking->first_us ? taking->told_us - taking->first_us : 0;
    invocation_send(invocation, &tally.base);
}

static void on_take(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    const Roost__V1__TransferChunk *chunk = (const Roost__V1__TransferChunk *)message;
    struct taking *taking = invocation_user(invocation);

    if (!taking && !(taking = begin_taking(arg, invocation)))
        return;
    if (!chunk) {
        tell_tally(invocation, taking);
        invocation_finish(invocation, GRPC_OK, "%s", "");
        return;
    }
    uint64_t now_us = loop_clock_us();
    if (taking->first_us == 0)
        taking->first_us = taking->told_us = now_us;
    taking->bytes += chunk->data.len;
    if (now_us - taking->told_us >= TALLY_US && invocation_waiting(invocation) == 0)
        tell_tally(invocation, taking);
}

/* --- bytes that go --- */

static void on_giving_gone(struct invocation *invocation, void *user) {
    struct giving *giving = user;

    timer_stop(&giving->end);
    giving->service->streams--;
    free(giving);
}

/* May be gone behind it. */
static void give(struct giving *giving) {
    Roost__V1__TransferChunk chunk = ROOST__V1__TRANSFER_CHUNK__INIT;

    for (int i = 0; i < BATCH && giving->left > 0; i++) {
        chunk.data.data = giving->bytes;
        chunk.data.len = giving->left < CHUNK ? (size_t)giving->left : CHUNK;
        giving->left -= chunk.data.len;
        invocation_send(giving->invocation, &chunk.base);
    }
    if (giving->left == 0)
        invocation_finish(giving->invocation, GRPC_OK, "%s", "");
}

static void on_give_drained(struct invocation *invocation, void *user) {
    give(user);
}

static void on_give_end(struct timer *timer) {
    struct giving *giving = container_of(timer, struct giving, end);
    invocation_finish(giving->invocation, GRPC_OK, "%s", "");
}

static void on_give(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    const Roost__V1__TransferWish *wish = (const Roost__V1__TransferWish *)message;
    struct service_transfer *service = arg;

    if (!is_let_in(service, invocation) || !has_room(service, invocation))
        return;
    struct giving *giving = mem_new(sizeof(*giving));
    giving->service = service;
    giving->invocation = invocation;
    giving->left = wish->max_bytes;
    giving->end.fire = on_give_end;
    service->streams++;
    crypto_random(giving->bytes, sizeof(giving->bytes));
    invocation_set_user(invocation, giving, on_giving_gone);
    invocation_on_drained(invocation, on_give_drained);
    timer_start(service->config.loop, &giving->end,
                wish->milliseconds < GIVE_MAX_MS ? wish->milliseconds : GIVE_MAX_MS);
    give(giving);
}

/* --- round trips --- */

static void on_echo_gone(struct invocation *invocation, void *user) {
}

static void on_echo(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    if (!invocation_user(invocation)) {
        if (!is_let_in(arg, invocation))
            return;
        invocation_set_user(invocation, arg, on_echo_gone);
    }
    if (!message)
        invocation_finish(invocation, GRPC_OK, "%s", "");
    else if (invocation_waiting(invocation) < ECHO_WAITING)
        invocation_send(invocation, message);
}

/* Where the datagrams go: the port may be this host's owner's choice. */
static bool find_echo(const struct service_transfer *service,
                      const struct invocation *invocation,
                      const Roost__V1__DatagramsRequest *request,
                      struct address *ret_echo,
                      struct sockaddr_storage *ret_address,
                      bool *ret_is_hub) {
    unsigned port =
        service->config.udp_port ? service->config.udp_port : request->echo_port;
    struct address echo;

    if (!find_hub(invocation, &echo, ret_address) || port == 0 || port > UINT16_MAX)
        return false;
    *ret_is_hub =
        request->echo_host[0] == '\0' || strcmp(request->echo_host, echo.host) == 0;
    if (!*ret_is_hub && strlen(request->echo_host) >= sizeof(echo.host))
        return false;
    if (!*ret_is_hub)
        memcpy(echo.host, request->echo_host, strlen(request->echo_host) + 1);
    echo.port = (uint16_t)port;
    *ret_echo = echo;
    return netaddr_parse(echo.host, port, ret_address);
}

static void on_datagrams(void *arg,
                         struct invocation *invocation,
                         const ProtobufCMessage *message) {
    const Roost__V1__DatagramsRequest *request =
        (const Roost__V1__DatagramsRequest *)message;
    struct service_transfer *service = arg;
    struct sockaddr_storage address;
    struct address echo;
    bool is_hub;

    if (!hub_only(invocation))
        return;
    if (!find_echo(service, invocation, request, &echo, &address, &is_hub))
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "the hub's echo has no address and port");
    else if (may_test(service, invocation, &echo, address, is_hub))
        datagrams_serve(service->datagrams, invocation, request, &address);
}

static const struct service_method methods[] = {
    { "Take", SERVICE_BIDI, on_take },
    { "Give", SERVICE_SERVER_STREAM, on_give },
    { "Echo", SERVICE_BIDI, on_echo },
    { "Datagrams", SERVICE_SERVER_STREAM, on_datagrams },
    { 0 },
};

struct service_transfer *service_transfer_new(
    struct services *services, const struct service_transfer_config *config) {
    struct service_transfer *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__transfer__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->config = *config;
    service->datagrams = datagrams_new(config->loop);
    services_add(services, &table);
    return service;
}

void service_transfer_stop(struct service_transfer *service) {
    datagrams_stop(service->datagrams);
}

struct service_transfer *service_transfer_free(struct service_transfer *service) {
    if (!service)
        return NULL;
    datagrams_free(service->datagrams);
    free(service);
    return NULL;
}
