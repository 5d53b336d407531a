#include "agent/probe/probes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/acts/act.h"
#include "agent/chores.h"
#include "agent/policy/policy.h"
#include "agent/setup/identity.h"
#include "base/latency.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "rpc/invocation.h"

struct probes {
    struct probes_config config;
    struct chores *chores; /* owned */
    struct list running;   /* of struct probe */
    size_t count;
};

struct probes *probes_new(const struct probes_config *config) {
    struct probes *probes = mem_new(sizeof(*probes));

    probes->config = *config;
    probes->chores = chores_new(config->loop);
    list_init(&probes->running);
    return probes;
}

static void end(struct probe *probe) {
    list_remove(&probe->node);
    probe->probes->count--;
    probe->on_end(probe);
}

/* Ends the probe at once, and lets its call, which is to be answered, go. */
static struct invocation *let_go(struct probe *probe) {
    struct invocation *invocation = probe->invocation;

    invocation_set_user(invocation, NULL, NULL);
    end(probe);
    return invocation;
}

void probes_finish(struct probe *probe,
                   enum grpc_status status,
                   const char *format,
                   ...) {
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    invocation_finish(let_go(probe), status, "%s", buf_text(&text));
    buf_done(&text);
}

void probes_reply(struct probe *probe, const ProtobufCMessage *message) {
    struct invocation *invocation = probe->invocation;

    invocation_set_user(invocation, NULL, NULL);
    invocation_reply(invocation, message);
    end(probe);
}

void probes_stop(struct probes *probes) {
    while (!list_is_empty(&probes->running)) {
        struct probe *probe = container_of(probes->running.next, struct probe, node);
        probes_finish(probe, GRPC_UNAVAILABLE, "the agent stops");
    }
}

struct probes *probes_free(struct probes *probes) {
    if (!probes)
        return NULL;
    while (!list_is_empty(&probes->running)) {
        struct probe *probe = container_of(probes->running.next, struct probe, node);
        invocation_set_user(probe->invocation, NULL, NULL);
        end(probe);
    }
    chores_free(probes->chores);
    free(probes);
    return NULL;
}

const struct probes_config *probes_config(const struct probes *probes) {
    return &probes->config;
}

static void on_gone(struct invocation *invocation, void *user) {
    end(user);
}

struct chores *probes_chores(struct probes *probes) {
    return probes->chores;
}

bool probes_begin(struct probes *probes,
                  struct invocation *invocation,
                  struct probe *probe,
                  void (*on_end)(struct probe *probe)) {
    if (probes->count >= PROBES_MAX) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "%zu probes run on this node and it takes no more: try again "
                          "when one has ended",
                          probes->count);
        return false;
    }
    probe->probes = probes;
    probe->invocation = invocation;
    probe->on_end = on_end;
    list_add_tail(&probes->running, &probe->node);
    probes->count++;
    invocation_set_user(invocation, probe, on_gone);
    policy_refresh(probes->config.policy, loop_now_ms(probes->config.loop));
    return true;
}

bool probes_is_hub(const struct probes *probes, const char *host, unsigned port) {
    const struct identity *identity = probes->config.identity;

    for (size_t i = 0; identity && i < identity->address_count; i++) {
        const struct address *hub = &identity->addresses[i];
        if (strcasecmp(hub->host, host) == 0 && (port == 0 || port == hub->port))
            return true;
    }
    return false;
}

bool probes_is_place(struct invocation *invocation,
                     const char *host,
                     unsigned port,
                     unsigned port_min) {
    if (!address_is_host(slice_of_text(host)))
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "the host is missing, or is neither a name nor an address");
    else if (port < port_min || port > UINT16_MAX)
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "a port is a number from 1 to 65535");
    else
        return true;
    return false;
}

void probes_set_place(struct probe *probe, const char *host, unsigned port) {
    snprintf(probe->to.host, sizeof(probe->to.host), "%s", host);
    probe->to.port = (uint16_t)port;
}

unsigned probes_limit(unsigned asked, unsigned usual, unsigned max) {
    if (asked == 0)
        return usual;
    return asked < max ? asked : max;
}

size_t probes_keep(struct probe *probe,
                   const char *host,
                   unsigned port,
                   struct sockaddr_storage *addresses,
                   size_t count) {
    const struct policy *policy = probe->probes->config.policy;
    bool is_hub = probes_is_hub(probe->probes, host, port) && !policy_trouble(policy);
    size_t kept = 0;

    if (host != probe->to.host)
        probes_set_place(probe, host, port);
    for (size_t i = 0; i < count; i++) {
        const struct policy_rule *denied;
        size_t allowed = policy_keep_places(policy, POLICY_PROBE, host, port,
                                            &addresses[i], 1, &denied);
        if (allowed > 0 || (is_hub && !denied))
            addresses[kept++] = addresses[i];
    }
    probe->denied = count > 0 && kept == 0;
    return kept;
}

void probes_fill_latency(Roost__V1__Latency *message, const struct latency *latency) {
    message->count = latency->count;
    message->mean_ms = latency_mean(latency);
    message->p50_ms = latency_percentile(latency, 50);
    message->p95_ms = latency_percentile(latency, 95);
    message->p99_ms = latency_percentile(latency, 99);
    message->min_ms = latency->min_ms;
    message->max_ms = latency->max_ms;
    message->jitter_ms = latency_jitter(latency);
}

void probes_print(const struct probe *probe, char ret_text[static ADDRESS_TEXT_LEN]) {
    address_print(&probe->to, ret_text);
}

void probes_refuse(struct probe *probe) {
    char place[ADDRESS_TEXT_LEN];

    probes_print(probe, place);
    struct acts *acts = probe->probes->config.acts;
    act_refuse(acts, let_go(probe), POLICY_PROBE, place);
}
