#include "fleet_agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/host/service_host.h"
#include "agent/link/uplink.h"
#include "agent/setup/identity.h"
#include "agent/spool/spool_sync.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "fleet_values.h"
#include "loop/timer.h"
#include "rpc/call.h"
#include "rpc/exchange.h"
#include "rpc/h2conn.h"
#include "rpc/link_dial.h"
#include "rpc/services.h"

enum {
    DIAL_TIMEOUT_MS = 20000,
    STEADY_MS = 10000, /* a link that lived so long starts the back-off anew */
    STREAMS_MAX = 100,
    MESSAGE_MAX = 65536,
    HEADER_BYTES_MAX = 65536,
};

struct fleet_agent {
    const struct fleet_agent_config *config; /* borrowed: main */
    struct identity identity;
    char *state;               /* owned: folder of the identity; NULL: not kept */
    char *spool_dir;           /* owned; or NULL */
    struct spool *spool;       /* owned */
    struct services *services; /* owned */
    struct service_host *host; /* owned */
    struct link_dial *dial;    /* owned; NULL when none is under way */
    struct h2conn *h2conn;     /* owned; NULL without a link */
    int64_t *values;           /* owned; of the newest sample */
    struct timer wait;         /* until the next attempt */
    unsigned backoff_ms;
    uint64_t linked_ms;
    uint64_t links;
    uint64_t failed;
};

static bool has_joined(const struct fleet_agent *agent) {
    return agent->identity.credential[0] != '\0';
}

static void on_wait(struct timer *timer) {
    struct fleet_agent *agent = container_of(timer, struct fleet_agent, wait);
    agent->config->on_idle(agent->config->arg, agent);
}

static void back_off(struct fleet_agent *agent) {
    uint32_t random;

    crypto_random(&random, sizeof(random));
    timer_start(
        agent->config->loop, &agent->wait,
        uplink_next_wait(&agent->backoff_ms, agent->config->backoff_max_ms, random));
}

static void on_call(void *owner, struct h2conn *h2conn, struct call *call) {
    const struct fleet_agent *agent = owner;
    call_start(call, services_target(agent->services));
}

static void on_exchange(void *owner, struct exchange *exchange) {
    exchange_answer(exchange, 404, NULL, slice_of(NULL, 0));
    exchange_release(exchange);
}

static void lose_link(struct fleet_agent *agent) {
    agent->h2conn = h2conn_free(agent->h2conn);
    if (clock_boot_ms() - agent->linked_ms >= STEADY_MS)
        agent->backoff_ms = 0;
    back_off(agent);
}

static void on_closed(void *owner, struct h2conn *h2conn, int reason) {
    lose_link(owner);
}

static void take_link(struct fleet_agent *agent, struct conn *conn) {
    struct h2conn_config config = {
        .role = H2_SERVER,
        .limits = {
            .streams_max = STREAMS_MAX,
            .window = CALL_PIPE_MAX,
            .header_bytes_max = HEADER_BYTES_MAX,
            .trust_resets = true,
        },
        .pings = true,
        .on_call = on_call,
        .on_exchange = on_exchange,
        .on_closed = on_closed,
        .owner = agent,
    };

    agent->linked_ms = clock_boot_ms();
    agent->links++;
    agent->h2conn = h2conn_new(conn, &config);
}

static void keep_identity(struct fleet_agent *agent,
                          const struct link_dial_result *result) {
    struct identity *identity = &agent->identity;

    snprintf(identity->credential, sizeof(identity->credential), "%s",
             result->credential);
    snprintf(identity->name, sizeof(identity->name), "%s", result->name);
    int r = agent->state ? identity_save(agent->state, identity) : 0;
    if (r < 0)
        log_error("%s: %s", agent->state, strerror(-r));
}

static void on_dialled(void *arg, const struct link_dial_result *result) {
    struct fleet_agent *agent = arg;

    agent->dial = NULL;
    if (result->end != LINK_DIAL_READY) {
        agent->failed++;
        log_debug("%s: %s", agent->identity.name, result->message);
        back_off(agent);
    } else if (has_joined(agent)) {
        take_link(agent, result->conn);
    } else {
        keep_identity(agent, result);
        timer_start(agent->config->loop, &agent->wait, 0);
    }
    agent->config->on_dialled(agent->config->arg, agent);
}

void fleet_agent_dial(struct fleet_agent *agent) {
    const struct token_link *link = agent->config->link;
    bool joined = has_joined(agent);
    struct link_dial_config config = {
        .dial = {
            .host = link->addresses[0].host,
            .port = link->addresses[0].port,
            .tls = agent->config->tls,
            .timeout_ms = DIAL_TIMEOUT_MS,
        },
        .hello = {
            .credential = joined ? agent->identity.credential : link->token,
            .name = agent->identity.name,
            .instance = agent->identity.instance,
            .version = ROOST_VERSION,
            .status = "ok",
            .capabilities = "look",
            .intent = joined ? LINK_RUN : LINK_JOIN,
        },
        .on_done = on_dialled,
        .arg = agent,
    };

    agent->dial = link_dial_start(agent->config->loop, &config);
}

void fleet_agent_cut(struct fleet_agent *agent) {
    if (agent->h2conn)
        lose_link(agent);
}

void fleet_agent_pause(struct fleet_agent *agent) {
    service_host_pause(agent->host);
}

static void take(void *arg, uint64_t now_boottime_ns, struct spool_cursor next) {
    struct fleet_agent *agent = arg;
    fleet_values_fill(agent->config->values, next.epoch, next.seq, agent->values);
}

static const struct metric_info *get_catalogue(void *arg,
                                               size_t *ret_count,
                                               uint32_t *ret_id) {
    const struct fleet_agent *agent = arg;
    *ret_count = agent->config->values->count;
    *ret_id = 1;
    return agent->config->values->series;
}

static const int64_t *get_values(void *arg) {
    const struct fleet_agent *agent = arg;
    return agent->values;
}

static void on_taken(void *arg, struct spool_cursor cursor, struct spool_anchor at) {
    const struct fleet_agent *agent = arg;
    agent->config->on_taken(agent->config->arg, agent, cursor, at);
}

static int load_identity(struct fleet_agent *agent, const char *name) {
    struct identity *identity = &agent->identity;
    int r = IDENTITY_E_NONE;

    if (agent->state)
        r = identity_load(agent->state, identity);
    if (r < 0)
        return r;
    if (r == 0)
        return 0;
    const struct token_link *link = agent->config->link;
    memset(identity, 0, sizeof(*identity));
    identity_make_instance(identity);
    snprintf(identity->name, sizeof(identity->name), "%s", name);
    memcpy(identity->addresses, link->addresses, sizeof(link->addresses));
    identity->address_count = link->address_count;
    char pin[TOKEN_PIN_LEN + 1], *pins[] = { pin };
    snprintf(pin, sizeof(pin), "%s", link->pin);
    if (pin[0] != '\0')
        identity_set_pins(identity, pins, 1);
    return 0;
}

static void make_spool(struct fleet_agent *agent) {
    const struct fleet_agent_config *config = agent->config;
    struct spool_config wanted = {
        .start.interval_ms = (uint32_t)config->interval_ms,
        .span_ms = config->span_ms,
        .bytes_max = config->spool_bytes,
        .dir = agent->spool_dir,
        .sync = spool_sync_file,
        .sync_arg = config->sync,
    };

    crypto_random(&wanted.start.epoch, sizeof(wanted.start.epoch));
    memcpy(wanted.start.boot_id, config->boot_id, sizeof(config->boot_id));
    agent->spool = spool_new(&wanted);
}

static void make_host(struct fleet_agent *agent) {
    const struct fleet_agent_config *config = agent->config;
    struct service_host_config host = {
        .loop = config->loop,
        .services = agent->services,
        .root = "",
        .spool = agent->spool,
        .source = { take, get_catalogue, get_values, on_taken, agent },
        .capabilities = "look",
        .interval_ms = config->interval_ms,
    };
    uint64_t random;

    /* A real fleet does not tick at once. */
    crypto_random(&random, sizeof(random));
    host.phase_ms = random % config->interval_ms;
    agent->host = service_host_new(&host);
}

int fleet_agent_new(const struct fleet_agent_config *config,
                    const char *name,
                    struct fleet_agent **ret_agent) {
    struct fleet_agent *agent = mem_new(sizeof(*agent));

    agent->config = config;
    agent->wait.fire = on_wait;
    agent->state = config->state ? file_join(config->state, name) : NULL;
    agent->spool_dir = config->spool_dir ? file_join(config->spool_dir, name) : NULL;
    int r = load_identity(agent, name);
    if (r < 0) {
        fleet_agent_free(agent);
        return r;
    }
    agent->values = mem_new_array(config->values->count + 1, sizeof(*agent->values));
    agent->services = services_new(MESSAGE_MAX);
    make_spool(agent);
    make_host(agent);
    timer_start(config->loop, &agent->wait, 0);
    *ret_agent = agent;
    return 0;
}

struct fleet_agent *fleet_agent_free(struct fleet_agent *agent) {
    if (!agent)
        return NULL;
    timer_stop(&agent->wait);
    link_dial_cancel(agent->dial);
    h2conn_free(agent->h2conn);
    if (agent->host)
        loop_settle(agent->config->loop); /* streams learn of the end of their link */
    service_host_free(agent->host);
    services_free(agent->services);
    spool_free(agent->spool);
    free(agent->values);
    free(agent->state);
    free(agent->spool_dir);
    free(agent);
    return NULL;
}

const char *fleet_agent_name(const struct fleet_agent *agent) {
    return agent->identity.name;
}

struct spool_cursor fleet_agent_newest(const struct fleet_agent *agent) {
    return spool_newest(agent->spool);
}

void fleet_agent_get_stats(const struct fleet_agent *agent,
                           struct fleet_agent_stats *ret_stats) {
    *ret_stats = (struct fleet_agent_stats) {
        .links = agent->links,
        .failed = agent->failed,
        .is_linked = agent->h2conn != NULL,
    };
    spool_get_stats(agent->spool, &ret_stats->spool);
}
