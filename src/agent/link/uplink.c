#include "agent/link/uplink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/host/networks.h"
#include "agent/setup/identity.h"
#include "base/crypto.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "loop/conn.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/tls.h"
#include "rpc/call.h"
#include "rpc/exchange.h"
#include "rpc/h2conn.h"
#include "rpc/link_dial.h"

enum {
    DIAL_TIMEOUT_MS = 20000,  /* name, connect, proxy and TLS of one attempt */
    MISMATCH_WAIT_MS = 60000, /* a changed key is a person's business: no hurry */
    STEADY_MS = 30000,        /* a link that lived so long starts the back-off anew */
    HEADER_BYTES_MAX = 65536, /* of a request of the hub */
    HUB_STREAMS = 8, /* its own: samples, services, trust; callers' come on top */
};

struct uplink {
    struct uplink_config config;
    struct loop *loop;                         /* borrowed: outlives us */
    struct tls_client *tls[IDENTITY_PINS_MAX]; /* owned; one a pin, or one for all */
    size_t tls_count;
    struct link_dial *dial; /* owned; NULL when none is under way */
    struct h2conn *h2conn;  /* owned; NULL when there is no link */
    struct list partings;   /* of struct parting, owned */
    char *proxy;            /* owned: of the environment; or NULL */
    char *networks;         /* owned: of this host, as the last dial told them */
    struct timer wait;
    struct timer ending;
    size_t address; /* tried now */
    size_t tls_at;  /* trust tried now */
    enum link_transport transport;
    bool tried_other; /* both transports were tried at this address */
    bool retrusts;    /* the pins changed since trust was made */
    bool renewed;     /* the identity changed while an attempt was under way */
    bool mismatched;  /* a pin did not fit in this round */
    unsigned backoff_ms;
    uint64_t linked_ms;
    void (*on_ended)(void *arg);
    void *ended_arg; /* borrowed: whoever finishes */
};

static void dial(struct uplink *uplink);

unsigned uplink_next_wait(unsigned *step_ms, unsigned max_ms, uint32_t random) {
    unsigned step = *step_ms < UPLINK_BACKOFF_MIN_MS ? UPLINK_BACKOFF_MIN_MS : *step_ms;

    if (step > max_ms)
        step = max_ms;
    *step_ms = step * 2 > max_ms ? max_ms : step * 2;
    return step / 2 + random % (step / 2 + 1);
}

static void free_trust(struct tls_client *tls[static IDENTITY_PINS_MAX]) {
    for (size_t i = 0; i < IDENTITY_PINS_MAX; i++)
        tls[i] = tls_client_free(tls[i]);
}

/* Trust as the identity has it now; the old one stays when that fails. */
static int make_trust(struct uplink *uplink) {
    const struct identity *identity = uplink->config.identity;
    struct tls_client *tls[IDENTITY_PINS_MAX] = { 0 };
    size_t count = identity->pin_count > 0 ? identity->pin_count : 1;

    for (size_t i = 0; i < count; i++) {
        struct tls_trust trust = {
            .pin = identity->pin_count > 0 ? identity->pins[i] : NULL,
            .ca_file = uplink->config.ca_file,
        };
        int r = tls_client_new(&trust, uplink->config.sessions_path, &tls[i]);
        if (r != 0) {
            free_trust(tls);
            return r;
        }
    }
    free_trust(uplink->tls);
    memcpy(uplink->tls, tls, sizeof(tls));
    uplink->tls_count = count;
    return 0;
}

static void on_wait(struct timer *timer) {
    dial(container_of(timer, struct uplink, wait));
}

static void wait_and_retry(struct uplink *uplink, unsigned wait_ms) {
    uplink->address = 0;
    uplink->tls_at = 0;
    uplink->tried_other = false;
    uplink->mismatched = false;
    timer_start(uplink->loop, &uplink->wait, wait_ms);
}

static void back_off(struct uplink *uplink) {
    uint32_t random;

    crypto_random(&random, sizeof(random));
    wait_and_retry(uplink, uplink_next_wait(&uplink->backoff_ms,
                                            uplink->config.backoff_max_ms, random));
}

/* Whom to reach, and as whom, has changed while that failed: it is tried at once. */
static bool starts_over(struct uplink *uplink) {
    if (!uplink->renewed)
        return false;
    uplink->renewed = false;
    uplink->backoff_ms = 0;
    wait_and_retry(uplink, 0);
    return true;
}

static void tell(struct uplink *uplink,
                 enum uplink_trouble trouble,
                 const char *error,
                 const char *message) {
    uplink->config.on_trouble(uplink->config.arg, trouble, error, message);
}

/* A link that the hub leaves: calls under way finish on it while there is a newer one. */
struct parting {
    struct list node;
    struct h2conn *h2conn; /* owned */
};

static void end_parting(struct parting *parting) {
    list_remove(&parting->node);
    h2conn_free(parting->h2conn);
    free(parting);
}

static void end_partings(struct uplink *uplink) {
    while (!list_is_empty(&uplink->partings))
        end_parting(container_of(uplink->partings.next, struct parting, node));
}

static bool has_links(const struct uplink *uplink) {
    return uplink->h2conn || !list_is_empty(&uplink->partings);
}

/* Was it one that the hub had left before? */
static bool take_parted(struct uplink *uplink, const struct h2conn *h2conn) {
    list_for_each_safe(at, after, &uplink->partings) {
        struct parting *parting = container_of(at, struct parting, node);
        if (parting->h2conn != h2conn)
            continue;
        end_parting(parting);
        return true;
    }
    return false;
}

/* The hub goes away, or hands over to another process: that one is tried at once. */
static void on_leaving(void *owner, struct h2conn *h2conn) {
    struct uplink *uplink = owner;

    if (h2conn != uplink->h2conn || uplink->on_ended)
        return;
    struct parting *parting = mem_new(sizeof(*parting));
    parting->h2conn = TAKE(uplink->h2conn);
    list_add_tail(&uplink->partings, &parting->node);
    log_info("the hub leaves this link; dialling again");
    uplink->backoff_ms = 0;
    wait_and_retry(uplink, 0);
}

static void on_link_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct uplink *uplink = owner;
    bool parted = take_parted(uplink, h2conn);

    if (!parted)
        uplink->h2conn = h2conn_free(h2conn);
    if (uplink->on_ended && !has_links(uplink)) {
        timer_stop(&uplink->ending);
        uplink->on_ended(uplink->ended_arg); /* may be gone here */
        return;
    }
    if (parted || uplink->on_ended)
        return;
    tell(uplink, UPLINK_LOST, "",
         reason == 0 ? "the hub ended the link" : strerror(-reason));
    if (loop_now_ms(uplink->loop) - uplink->linked_ms >= STEADY_MS)
        uplink->backoff_ms = 0;
    if (!starts_over(uplink))
        back_off(uplink);
}

static void on_call(void *owner, struct h2conn *h2conn, struct call *call) {
    struct uplink *uplink = owner;
    call_start(call, uplink->config.target);
}

static void on_exchange(void *owner, struct exchange *exchange) {
    exchange_answer(exchange, 404, NULL, slice_of(NULL, 0));
    exchange_release(exchange);
}

static void take_link(struct uplink *uplink, const struct link_dial_result *result) {
    struct h2conn_config link = {
        .role = H2_SERVER,
        .limits = {
            .streams_max = uplink->config.streams_max + HUB_STREAMS,
            .window = CALL_PIPE_MAX,
            .windows = uplink->config.windows,
            .header_bytes_max = HEADER_BYTES_MAX,
            .trust_resets = true,
        },
        .pings = true,
        .on_call = on_call,
        .on_exchange = on_exchange,
        .on_leaving = on_leaving,
        .on_closed = on_link_closed,
        .owner = uplink,
    };

    uplink->linked_ms = loop_now_ms(uplink->loop);
    uplink->renewed = false;
    uplink->tried_other = false;
    uplink->h2conn = h2conn_new(result->conn, &link);
    uplink->config.on_linked(uplink->config.arg, result->name, uplink->transport);
}

/* Nothing is to be got from this address: the next one, or wait. */
static void next_address(struct uplink *uplink) {
    if (starts_over(uplink))
        return;
    uplink->tried_other = false;
    uplink->tls_at = 0;
    if (++uplink->address < uplink->config.identity->address_count)
        dial(uplink);
    else if (uplink->config.join)
        uplink->config.on_gave_up(uplink->config.arg); /* may be gone here */
    else if (uplink->mismatched)
        wait_and_retry(uplink, MISMATCH_WAIT_MS);
    else
        back_off(uplink);
}

static void take_unreached(struct uplink *uplink, const struct link_dial_result *result) {
    const struct tls_mismatch *seen = tls_client_seen(uplink->tls[uplink->tls_at]);
    bool mismatch = result->step == DIAL_TLS && seen && seen->expected_pin[0] != '\0' &&
                    strcmp(seen->expected_pin, seen->seen_pin) != 0 && seen->seen_pin[0];

    if (mismatch && uplink->tls_at + 1 < uplink->tls_count) {
        uplink->tls_at++;
        dial(uplink);
        return;
    }
    if (mismatch) {
        char *text = mem_printf(
            "the hub at this address has another key: expected pin %s, seen %s, "
            "certificate issued by %s",
            seen->expected_pin, seen->seen_pin, seen->issuer);
        uplink->mismatched = true;
        tell(uplink, UPLINK_MISMATCH, "", text);
        free(text);
    } else {
        tell(uplink, UPLINK_UNREACHED, "", result->message);
    }
    next_address(uplink);
}

static void on_dialled(void *arg, const struct link_dial_result *result) {
    struct uplink *uplink = arg;

    uplink->dial = NULL;
    switch (result->end) {
    case LINK_DIAL_READY:
        if (uplink->config.join)
            uplink->config.on_joined(uplink->config.arg, result->name,
                                     result->credential);
        else
            take_link(uplink, result);
        return;
    case LINK_DIAL_UNREACHED:
        take_unreached(uplink, result);
        return;
    case LINK_DIAL_NO_UPGRADE:
        uplink->transport = uplink->transport == LINK_PTTH ? LINK_WEBSOCKET : LINK_PTTH;
        if (!uplink->tried_other) {
            uplink->tried_other = true;
            dial(uplink);
            return;
        }
        tell(uplink, UPLINK_UNREACHED, "", result->message);
        next_address(uplink);
        return;
    case LINK_DIAL_REFUSED:
        tell(uplink, UPLINK_REFUSED, result->error, result->message);
        next_address(uplink);
        return;
    }
}

/* The pins changed while a link lived that still uses the old trust: now nobody does. */
static void renew_trust(struct uplink *uplink) {
    if (!uplink->retrusts)
        return;
    end_partings(uplink);                       /* they use the old one */
    uplink->retrusts = make_trust(uplink) != 0; /* a CA file that is away may come back */
    uplink->tls_at = 0;
}

static void dial(struct uplink *uplink) {
    const struct identity *identity = uplink->config.identity;
    const struct address *address = &identity->addresses[uplink->address];

    renew_trust(uplink);
    free(uplink->proxy);
    uplink->proxy = uplink->config.proxy ? mem_strdup(uplink->config.proxy)
                                         : dialler_proxy_for(address->host);
    free(uplink->networks);
    uplink->networks = networks_print(uplink->config.root ? uplink->config.root : "");
    struct link_dial_config config = {
        .dial = {
            .host = address->host,
            .port = address->port,
            .proxy = uplink->proxy,
            .tls = uplink->tls[uplink->tls_at],
            .timeout_ms = DIAL_TIMEOUT_MS,
        },
        .transport = uplink->transport,
        .hello = {
            .credential = identity->credential,
            .name = identity->name,
            .instance = identity->instance,
            .version = ROOST_VERSION,
            .status = "ok",
            .capabilities = uplink->config.capabilities,
            .networks = uplink->networks,
            .intent = uplink->config.join ? LINK_JOIN : LINK_RUN,
        },
        .on_done = on_dialled,
        .arg = uplink,
    };
    uplink->dial = link_dial_start(uplink->loop, &config);
}

int uplink_new(struct loop *loop,
               const struct uplink_config *config,
               struct uplink **ret_uplink) {
    struct uplink *uplink = mem_new(sizeof(*uplink));

    *uplink = (struct uplink) { .config = *config, .loop = loop, .wait.fire = on_wait };
    list_init(&uplink->partings);
    int r = make_trust(uplink);
    if (r != 0) {
        uplink_free(uplink);
        return r;
    }
    dial(uplink);
    *ret_uplink = uplink;
    return 0;
}

static void on_ending(struct timer *timer) {
    struct uplink *uplink = container_of(timer, struct uplink, ending);
    uplink->on_ended(uplink->ended_arg); /* may be gone here */
}

void uplink_finish(struct uplink *uplink,
                   unsigned limit_ms,
                   void (*on_ended)(void *arg),
                   void *arg) {
    timer_stop(&uplink->wait);
    uplink->dial = link_dial_cancel(uplink->dial);
    uplink->on_ended = on_ended;
    uplink->ended_arg = arg;
    uplink->ending.fire = on_ending;
    if (uplink->h2conn)
        h2conn_drain(uplink->h2conn);
    list_for_each_safe(at, after, &uplink->partings)
        h2conn_drain(container_of(at, struct parting, node)->h2conn);
    timer_start(uplink->loop, &uplink->ending, has_links(uplink) ? limit_ms : 0);
}

struct uplink *uplink_free(struct uplink *uplink) {
    if (!uplink)
        return NULL;
    timer_stop(&uplink->wait);
    timer_stop(&uplink->ending);
    link_dial_cancel(uplink->dial);
    h2conn_free(uplink->h2conn);
    end_partings(uplink);
    free_trust(uplink->tls);
    free(uplink->networks);
    free(uplink->proxy);
    free(uplink);
    return NULL;
}

void uplink_retrust(struct uplink *uplink) {
    uplink->retrusts = true;
}

void uplink_renew(struct uplink *uplink) {
    bool idle = uplink->h2conn || timer_is_running(&uplink->wait);

    uplink->retrusts = true;
    uplink->renewed = !idle; /* then an attempt is under way, or just failed */
    if (!idle || uplink->on_ended)
        return;
    uplink->h2conn = h2conn_free(uplink->h2conn);
    uplink->backoff_ms = 0;
    wait_and_retry(uplink, 0);
}

void uplink_tune(struct uplink *uplink,
                 const char *proxy,
                 unsigned backoff_max_ms,
                 uint32_t streams_max) {
    uplink->config.proxy = proxy;
    uplink->config.backoff_max_ms = backoff_max_ms;
    uplink->config.streams_max = streams_max;
}
