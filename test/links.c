/*
 * links - many agents in one program, for benches
 *
 *   links --join LINK --count N [--at-once K]
 *
 * Joins N agents with a reusable join link, opens a link for each, and then keeps them,
 * doing nothing else: every call is answered with UNIMPLEMENTED. Prints "joined N in MS
 * ms" and "linked N in MS ms", and stays until SIGTERM. SIGUSR1 drops all links and opens
 * them again, as after a restart of the hub.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/token.h"
#include "base/version.h"
#include "loop/loop.h"
#include "loop/tls.h"
#include "rpc/call.h"
#include "rpc/exchange.h"
#include "rpc/h2conn.h"
#include "rpc/link_dial.h"
#include "rpc/services.h"

enum { COUNT_MAX = 18000, TIMEOUT_MS = 60000, AT_ONCE = 64, INSTANCE_LEN = 32 };

struct links;

/* One agent. */
struct agent {
    struct links *links;   /* borrowed: main */
    struct h2conn *h2conn; /* owned; NULL without a link */
    char name[32];
    char instance[INSTANCE_LEN + 1];
    char credential[TOKEN_LEN + 1];
};

struct links {
    struct loop *loop;         /* owned */
    struct tls_client *tls;    /* owned */
    struct services *services; /* owned; empty */
    struct token_link link;
    struct agent *agents; /* owned */
    size_t count;
    size_t at_once;
    size_t started; /* handshakes of this round */
    size_t done;
    bool joining;
    uint64_t started_ms;
    int status;
};

static void start_more(struct links *links);

static void on_call(void *owner, struct h2conn *h2conn, struct call *call) {
    const struct agent *agent = owner;
    call_start(call, services_target(agent->links->services));
}

static void on_exchange(void *owner, struct exchange *exchange) {
    exchange_answer(exchange, 404, NULL, slice_of(NULL, 0));
    exchange_release(exchange);
}

static void on_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct agent *agent = owner;
    agent->h2conn = h2conn_free(h2conn);
}

static void keep(struct agent *agent, struct conn *conn) {
    struct h2conn_config config = {
        .role = H2_SERVER,
        .limits = {
            .streams_max = 100,
            .window = CALL_PIPE_MAX,
            .header_bytes_max = 65536,
            .trust_resets = true,
        },
        .on_call = on_call,
        .on_exchange = on_exchange,
        .on_closed = on_closed,
        .owner = agent,
    };
    agent->h2conn = h2conn_new(conn, &config);
}

static void end_round(struct links *links) {
    printf("%s %zu in %llu ms\n", links->joining ? "joined" : "linked", links->count,
           (unsigned long long)(loop_now_ms(links->loop) - links->started_ms));
    fflush(stdout);
    if (!links->joining)
        return;
    links->joining = false;
    links->started = 0;
    links->done = 0;
    links->started_ms = loop_now_ms(links->loop);
    start_more(links);
}

static void on_done(void *arg, const struct link_dial_result *result) {
    struct agent *agent = arg;
    struct links *links = agent->links;

    if (result->end != LINK_DIAL_READY) {
        fprintf(stderr, "links: %s: %s\n", agent->name, result->message);
        links->status = 1;
        loop_stop(links->loop);
        return;
    }
    if (links->joining)
        snprintf(agent->credential, sizeof(agent->credential), "%s", result->credential);
    else
        keep(agent, result->conn);
    if (++links->done == links->count)
        end_round(links);
    else
        start_more(links);
}

static void start_one(struct links *links, struct agent *agent) {
    struct link_dial_config config = {
        .dial = {
            .host = links->link.addresses[0].host,
            .port = links->link.addresses[0].port,
            .tls = links->tls,
            .timeout_ms = TIMEOUT_MS,
        },
        .hello = {
            .credential = links->joining ? links->link.token : agent->credential,
            .name = agent->name,
            .instance = agent->instance,
            .version = ROOST_VERSION,
            .intent = links->joining ? LINK_JOIN : LINK_RUN,
        },
        .on_done = on_done,
        .arg = agent,
    };
    link_dial_start(links->loop, &config);
}

static void start_more(struct links *links) {
    while (links->started < links->count && links->started - links->done < links->at_once)
        start_one(links, &links->agents[links->started++]);
}

static void on_signal(void *arg, int signo) {
    struct links *links = arg;
    loop_stop(links->loop);
}

static void on_again(void *arg, int signo) {
    struct links *links = arg;

    for (size_t i = 0; i < links->count; i++)
        links->agents[i].h2conn = h2conn_free(links->agents[i].h2conn);
    links->started = 0;
    links->done = 0;
    links->started_ms = loop_now_ms(links->loop);
    start_more(links);
}

static void make_agents(struct links *links) {
    uint8_t random[INSTANCE_LEN / 2];

    links->agents = mem_new_array(links->count, sizeof(*links->agents));
    for (size_t i = 0; i < links->count; i++) {
        struct agent *agent = &links->agents[i];
        agent->links = links;
        snprintf(agent->name, sizeof(agent->name), "bench-%zu", i);
        crypto_random(random, sizeof(random));
        hex_encode(agent->instance, random, sizeof(random));
    }
}

static int run(struct links *links) {
    struct tls_trust trust = { .pin = links->link.pin };

    if (tls_client_new(&trust, NULL, &links->tls) != 0)
        return 1;
    links->loop = loop_new();
    links->services = services_new(65536);
    make_agents(links);
    struct loop_signal *term = loop_signal_new(links->loop, SIGTERM, on_signal, links);
    struct loop_signal *again = loop_signal_new(links->loop, SIGUSR1, on_again, links);
    links->joining = true;
    links->started_ms = loop_now_ms(links->loop);
    start_more(links);
    loop_run(links->loop);
    loop_signal_free(term);
    loop_signal_free(again);
    for (size_t i = 0; i < links->count; i++)
        h2conn_free(links->agents[i].h2conn);
    loop_free(links->loop);
    services_free(links->services);
    tls_client_free(links->tls);
    free(links->agents);
    return links->status;
}

int main(int argc, char **argv) {
    struct links links = { .at_once = AT_ONCE };
    const char *join = NULL;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--join") == 0)
            join = argv[i + 1];
        else if (strcmp(argv[i], "--count") == 0)
            links.count = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--at-once") == 0)
            links.at_once = strtoul(argv[i + 1], NULL, 10);
    }
    if (!join || links.count == 0 || links.count > COUNT_MAX || links.at_once == 0 ||
        token_link_parse(join, &links.link) != 0) {
        fprintf(stderr, "usage: links --join LINK --count N [--at-once K]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    return run(&links);
}
