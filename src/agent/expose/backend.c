#include "agent/expose/backend.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/expose/waiting_calls.h"
#include "agent/link/uplink.h"
#include "base/address.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/dialler.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/tls.h"
#include "rpc/call.h"
#include "rpc/h2conn.h"
#include "rpc/target.h"

enum {
    DIAL_MS = 5000, /* of one attempt, its SETTINGS included */
    BACKOFF_MAX_MS = 30000,
    CALM_MS = 500,     /* after a failure calls fail too, and do not dial anew */
    TIDY_MS = 60000,   /* how often connections are looked at */
    QUIET_MS = 330000, /* gRPC servers take a PING each 5 minutes for an attack */
    PONG_MS = 20000,
    HEADER_BYTES_MAX = 65536,
};

/* One connection, or one that is being made. */
struct link {
    struct list node;
    struct backend *backend; /* borrowed: owns this */
    struct dial *dial;       /* owned; NULL once it is connected */
    struct h2conn *h2conn;   /* owned; NULL while dialling */
    struct timer greeting;   /* its SETTINGS are late */
    bool greeted;
};

struct backend {
    struct target target;
    struct loop *loop; /* borrowed */
    char *name;        /* owned, as every string here */
    char *address;
    char *host;      /* as the dialler wants it */
    char *authority; /* what calls ask for */
    char *server_name;
    char *ca_file; /* or NULL */
    char *pin;     /* or NULL */
    unsigned port;
    bool tls;
    struct tls_client *trust; /* owned; NULL: without TLS, or not made yet */
    struct list links;        /* owned: of struct link */
    size_t link_count;
    struct waiting_calls waiting;
    struct task serve;
    struct task tell;
    struct timer redial;
    struct timer tidy;
    unsigned backoff_ms;
    uint64_t failed_ms; /* loop time of the last failure; 0: none */
    char *why;          /* owned */
    unsigned generation;
    bool is_up;
    bool is_ending;
    void (*on_change)(void *arg);
    void *arg; /* borrowed: the owner */
};

static void open_link(struct backend *backend);

/* --- waiting calls --- */

static void fail_call(void *arg, struct call *call) {
    const struct backend *backend = arg;

    call_fail(call, GRPC_UNAVAILABLE, "back end \"%s\" (%s): %s", backend->name,
              backend->address, backend->why[0] ? backend->why : "no connection in time");
}

/* Where there is a connection, only room is missing, and the call's deadline counts. */
static bool may_wait_on(const void *arg) {
    const struct backend *backend = arg;
    return backend->is_up;
}

/* --- the state --- */

static void tell(struct task *task) {
    struct backend *backend = container_of(task, struct backend, tell);
    backend->on_change(backend->arg);
}

static void set_up(struct backend *backend, bool is_up) {
    if (backend->is_up == is_up)
        return;
    backend->is_up = is_up;
    loop_post(backend->loop, &backend->tell);
}

static void set_why(struct backend *backend, const char *why) {
    if (strcmp(backend->why, why) == 0)
        return;
    free(backend->why);
    backend->why = mem_strdup(why);
    if (why[0])
        loop_post(backend->loop, &backend->tell);
}

static bool is_opening(const struct link *link) {
    return !link->greeted;
}

static bool is_ready(const struct link *link) {
    return link->greeted && !h2conn_is_leaving(link->h2conn);
}

static bool has_just_failed(const struct backend *backend) {
    return backend->failed_ms != 0 &&
           loop_now_ms(backend->loop) - backend->failed_ms < CALM_MS;
}

static size_t count_links(const struct backend *backend,
                          bool (*is)(const struct link *link)) {
    size_t count = 0;

    list_for_each_safe(at, after, &backend->links) count +=
        is(container_of(at, struct link, node));
    return count;
}

static void free_link(struct link *link) {
    list_remove(&link->node);
    link->backend->link_count--;
    timer_stop(&link->greeting);
    dialler_cancel(link->dial);
    h2conn_free(link->h2conn);
    free(link);
}

/* Nothing leads to the back end now; the next attempt comes after a while. */
static void go_down(struct backend *backend, const char *why) {
    uint32_t random;

    crypto_random(&random, sizeof(random));
    set_why(backend, why);
    set_up(backend, false);
    timer_start(backend->loop, &backend->redial,
                uplink_next_wait(&backend->backoff_ms, BACKOFF_MAX_MS, random));
}

/* An attempt came to nothing. */
static void fail_link(struct link *link, const char *why) {
    struct backend *backend = link->backend;
    auto_(mem_freep) char *kept = mem_strdup(why);

    free_link(link);
    backend->failed_ms = loop_now_ms(backend->loop);
    if (count_links(backend, is_ready) + count_links(backend, is_opening) > 0)
        return;
    go_down(backend, kept);
    waiting_calls_fail(&backend->waiting);
}

/* A connection that was in use is over. An end in order may be a restart: what the next
 * attempt meets counts. */
static void lose_link(struct link *link, int reason) {
    struct backend *backend = link->backend;
    free_link(link);
    if (count_links(backend, is_ready) > 0)
        return;
    if (reason != 0) {
        set_why(backend,
                reason == -ETIMEDOUT ? "no sign of life" : "the connection was lost");
        set_up(backend, false);
    }
    if (count_links(backend, is_opening) == 0)
        open_link(backend);
}

/* --- serving --- */

static struct link *find_room(const struct backend *backend) {
    list_for_each_safe(at, after, &backend->links) {
        struct link *link = container_of(at, struct link, node);
        if (link->greeted && h2conn_has_room(link->h2conn))
            return link;
    }
    return NULL;
}

static void greet(struct link *link) {
    struct backend *backend = link->backend;

    if (count_links(backend, is_ready) == 0) {
        backend->generation++;
        loop_post(backend->loop, &backend->tell);
    }
    link->greeted = true;
    timer_stop(&link->greeting);
    backend->backoff_ms = 0;
    backend->failed_ms = 0;
    set_why(backend, "");
    set_up(backend, true);
    if (!timer_is_running(&backend->tidy))
        timer_start(backend->loop, &backend->tidy, TIDY_MS);
}

static void serve_waiting(struct backend *backend) {
    struct link *link;

    while (!waiting_calls_is_empty(&backend->waiting) && (link = find_room(backend)))
        call_pass_on(waiting_calls_take(&backend->waiting), h2conn_target(link->h2conn));
}

/* Does what news of a connection make possible, or necessary. */
static void serve(struct task *task) {
    struct backend *backend = container_of(task, struct backend, serve);

    list_for_each_safe(at, after, &backend->links) {
        struct link *link = container_of(at, struct link, node);
        if (!link->greeted && link->h2conn && h2conn_has_room(link->h2conn))
            greet(link);
        else if (link->greeted && !is_ready(link) && h2conn_count(link->h2conn) == 0)
            free_link(link); /* it has done its last */
    }
    serve_waiting(backend);
    bool wanting = !waiting_calls_is_empty(&backend->waiting) && backend->is_up &&
                   !has_just_failed(backend);
    bool leaving = backend->is_up && count_links(backend, is_ready) == 0;
    if ((wanting || leaving) && count_links(backend, is_opening) == 0 &&
        backend->link_count < BACKEND_LINKS_MAX)
        open_link(backend);
}

static void on_room(void *owner, struct h2conn *h2conn) {
    struct link *link = owner;
    loop_post(link->backend->loop, &link->backend->serve);
}

static void on_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct link *link = owner;

    if (link->greeted)
        lose_link(link, reason);
    else
        fail_link(link, reason == -EPROTO || reason == 0
                            ? "it answers, but not in HTTP/2 (does it want tls = yes?)"
                            : strerror(-reason));
}

static void on_greeting_late(struct timer *timer) {
    fail_link(container_of(timer, struct link, greeting),
              "it accepts connections, but does not answer in HTTP/2");
}

/* --- dialling --- */

static void take_conn(struct link *link, struct conn *conn) {
    struct backend *backend = link->backend;
    struct h2conn_config config = {
        .role = H2_CLIENT,
        .limits = { .window = CALL_PIPE_MAX, .header_bytes_max = HEADER_BYTES_MAX },
        .authority = backend->authority,
        .on_room = on_room,
        .on_closed = on_closed,
        .owner = link,
    };

    link->h2conn = h2conn_new(conn, &config);
    timer_start(backend->loop, &link->greeting, DIAL_MS);
}

/* What a person needs to mend it; a new string. */
static char *explain_tls(const struct backend *backend, const char *why) {
    const struct tls_mismatch *seen = tls_client_seen(backend->trust);

    if (seen && seen->expected_pin[0] && strcmp(seen->expected_pin, seen->seen_pin) != 0)
        return mem_printf("TLS: it shows another key than the pinned one: pin %s",
                          seen->seen_pin);
    if (seen && seen->why[0] && strcmp(seen->why, why) != 0)
        return mem_printf("TLS: %s (%s)", why, seen->why);
    return mem_printf("TLS: %s", why);
}

static void on_dialled(void *arg,
                       struct conn *conn,
                       enum dial_step failed,
                       const char *why) {
    struct link *link = arg;

    link->dial = NULL;
    if (conn) {
        take_conn(link, conn);
    } else if (failed == DIAL_TLS) {
        auto_(mem_freep) char *text = explain_tls(link->backend, why);
        fail_link(link, text);
    } else {
        fail_link(link, why);
    }
}

/* Trust as the settings say: 0 or -errno; a CA file that is away may come back. */
static int make_trust(struct backend *backend) {
    struct tls_trust trust = { .pin = backend->pin, .ca_file = backend->ca_file };

    return !backend->tls || backend->trust
               ? 0
               : tls_client_new(&trust, NULL, &backend->trust);
}

static void open_link(struct backend *backend) {
    timer_stop(&backend->redial);
    int r = make_trust(backend);
    if (r < 0) {
        auto_(mem_freep) char *why = mem_printf(
            "%s: %s", backend->ca_file ? backend->ca_file : "CA", strerror(-r));
        backend->failed_ms = loop_now_ms(backend->loop);
        go_down(backend, why);
        waiting_calls_fail(&backend->waiting);
        return;
    }
    struct link *link = mem_new(sizeof(*link));
    struct dial_config config = {
        .host = backend->host,
        .port = backend->port,
        .tls = backend->trust,
        .server_name = backend->server_name,
        .alpn = "h2",
        .timeout_ms = DIAL_MS,
        .on_done = on_dialled,
        .arg = link,
    };
    *link = (struct link) { .backend = backend, .greeting.fire = on_greeting_late };
    list_add_tail(&backend->links, &link->node);
    backend->link_count++;
    link->dial = dialler_start(backend->loop, &config);
}

static void on_redial(struct timer *timer) {
    struct backend *backend = container_of(timer, struct backend, redial);

    if (count_links(backend, is_opening) == 0)
        open_link(backend);
}

/* Asks long silent connections for a sign of life, and ends those not needed. */
static void on_tidy(struct timer *timer) {
    struct backend *backend = container_of(timer, struct backend, tidy);
    uint64_t now_ms = loop_now_ms(backend->loop);
    bool kept = false;

    list_for_each_safe(at, after, &backend->links) {
        struct link *link = container_of(at, struct link, node);
        if (!link->greeted)
            continue;
        bool idle = h2conn_count(link->h2conn) == 0;
        if (idle && kept) {
            free_link(link);
            continue;
        }
        if (!idle && now_ms - h2conn_heard_ms(link->h2conn) > QUIET_MS)
            h2conn_probe(link->h2conn, PONG_MS);
        kept |= is_ready(link);
    }
    if (backend->link_count > 0)
        timer_start(backend->loop, &backend->tidy, TIDY_MS);
}

/* --- from above --- */

static void start(struct target *target, struct call *call) {
    struct backend *backend = container_of(target, struct backend, target);
    struct link *link =
        waiting_calls_is_empty(&backend->waiting) ? find_room(backend) : NULL;

    if (link) {
        call_start(call, h2conn_target(link->h2conn));
        return;
    }
    bool opening = count_links(backend, is_opening) > 0;
    if (backend->is_ending || (!backend->is_up && !opening && has_just_failed(backend))) {
        fail_call(backend, call);
        return;
    }
    waiting_calls_add(&backend->waiting, call);
    if (backend->is_up)
        loop_post(backend->loop, &backend->serve);
    else if (!opening)
        timer_start(backend->loop, &backend->redial, 0);
}

static void take_address(struct backend *backend, const struct backend_config *config) {
    struct address address;

    if (dialler_is_path(config->address) ||
        address_parse(slice_of_text(config->address), &address) != 0) {
        backend->host = mem_strdup(config->address);
        backend->authority =
            mem_strdup(config->server_name ? config->server_name : "localhost");
        backend->server_name = mem_strdup(backend->authority);
        return;
    }
    backend->host = mem_strdup(address.host);
    backend->port = address.port;
    backend->server_name =
        mem_strdup(config->server_name ? config->server_name : address.host);
    backend->authority =
        mem_strdup(config->server_name ? config->server_name : config->address);
}

struct backend *backend_new(const struct backend_config *config) {
    struct backend *backend = mem_new(sizeof(*backend));

    *backend = (struct backend) {
        .target.start = start,
        .loop = config->loop,
        .name = mem_strdup(config->name),
        .address = mem_strdup(config->address),
        .ca_file = mem_strdup(config->ca_file),
        .pin = mem_strdup(config->pin),
        .tls = config->tls,
        .serve.run = serve,
        .tell.run = tell,
        .redial.fire = on_redial,
        .tidy.fire = on_tidy,
        .why = mem_strdup(""),
        .on_change = config->on_change,
        .arg = config->arg,
    };
    list_init(&backend->links);
    backend->waiting = (struct waiting_calls) {
        .loop = config->loop,
        .may_wait_on = may_wait_on,
        .fail = fail_call,
        .arg = backend,
    };
    list_init(&backend->waiting.calls);
    take_address(backend, config);
    timer_start(backend->loop, &backend->redial, 0);
    return backend;
}

struct backend *backend_free(struct backend *backend) {
    if (!backend)
        return NULL;
    backend->is_ending = true;
    set_why(backend, "it is exposed no more");
    waiting_calls_fail(&backend->waiting);
    list_for_each_safe(at, after, &backend->links)
        free_link(container_of(at, struct link, node));
    loop_cancel(&backend->serve);
    loop_cancel(&backend->tell);
    timer_stop(&backend->redial);
    timer_stop(&backend->tidy);
    tls_client_free(backend->trust);
    free(backend->name);
    free(backend->address);
    free(backend->host);
    free(backend->authority);
    free(backend->server_name);
    free(backend->ca_file);
    free(backend->pin);
    free(backend->why);
    free(backend);
    return NULL;
}

struct target *backend_target(struct backend *backend) {
    return &backend->target;
}

bool backend_is_up(const struct backend *backend) {
    return backend->is_up;
}

unsigned backend_generation(const struct backend *backend) {
    return backend->generation;
}

const char *backend_why(const struct backend *backend) {
    return backend->why;
}

const char *backend_name(const struct backend *backend) {
    return backend->name;
}

const char *backend_address(const struct backend *backend) {
    return backend->address;
}
