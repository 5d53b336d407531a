#include "loop/dialler.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loop/conn.h"
#include "loop/conn_tcp.h"
#include "loop/conn_tls.h"
#include "loop/dialler_proxy.h"
#include "loop/dialler_race.h"
#include "loop/loop_uv.h"
#include "loop/netaddr.h"
#include "loop/timer.h"

/* One name look-up; libuv's pool holds it even when the dial is cancelled. */
struct lookup {
    uv_getaddrinfo_t request;
    struct dial *dial; /* borrowed; NULL when it was cancelled meanwhile */
};

/* The fields from lookup to tls are one operation each, NULL when it is not under way. */
struct dial {
    struct loop *loop;             /* borrowed: outlives its dials */
    struct dial_config config;     /* its strings are not used: they are copied below */
    char *host;                    /* owned */
    char *server_name;             /* owned */
    char *alpn;                    /* owned; may be NULL */
    char *proxy_text;              /* owned; may be NULL */
    struct dialler_proxy proxy;    /* host is NULL when there is none */
    struct lookup *lookup;         /* owned by libuv */
    struct dialler_race *race;     /* owned */
    struct dialler_tunnel *tunnel; /* owned */
    struct conn *conn;             /* owned, once there is one */
    struct timer timeout;
    struct task begin;
    enum dial_step step;
};

/* Of a host that is a socket in the file system. */
static const char path_head[] = "unix:";

bool dialler_is_path(const char *host) {
    return strncmp(host, path_head, sizeof(path_head) - 1) == 0;
}

const char *dialler_step_name(enum dial_step step) {
    static const char *const names[] = {
        [DIAL_RESOLVE] = "DNS",
        [DIAL_CONNECT] = "TCP",
        [DIAL_PROXY] = "proxy",
        [DIAL_TLS] = "TLS",
    };
    return names[step];
}

struct dial *dialler_cancel(struct dial *dial) {
    if (!dial)
        return NULL;
    if (dial->lookup) {
        dial->lookup->dial = NULL;
        uv_cancel((uv_req_t *)&dial->lookup->request);
    }
    loop_cancel(&dial->begin);
    timer_stop(&dial->timeout);
    dialler_race_free(dial->race);
    dialler_proxy_tunnel_free(dial->tunnel);
    if (dial->conn)
        conn_close(dial->conn);
    dialler_proxy_done(&dial->proxy);
    free(dial->host);
    free(dial->server_name);
    free(dial->alpn);
    free(dial->proxy_text);
    free(dial);
    return NULL;
}

static void tell_step(struct dial *dial, const char *text) {
    if (dial->config.on_step)
        dial->config.on_step(dial->config.arg, dial->step, text);
}

static void fail(struct dial *dial, const char *why) {
    struct dial_config config = dial->config;
    enum dial_step step = dial->step;
    auto_(mem_freep) char *kept = mem_strdup(why); /* it may be lent by what ends here */

    dialler_cancel(dial);
    config.on_done(config.arg, NULL, step, kept);
}

static void succeed(struct dial *dial) {
    struct dial_config config = dial->config;
    enum dial_step step = dial->step;
    struct conn *conn = TAKE(dial->conn);

    dialler_cancel(dial);
    config.on_done(config.arg, conn, step, NULL);
}

static void on_timeout(struct timer *timer) {
    struct dial *dial = container_of(timer, struct dial, timeout);
    unsigned ms = dial->config.timeout_ms;
    char why[64];

    if (ms % 1000 == 0)
        snprintf(why, sizeof(why), "timed out after %u s", ms / 1000);
    else
        snprintf(why, sizeof(why), "timed out after %u ms", ms);
    fail(dial, why);
}

/* --- TLS --- */

static void on_secured(void *arg, int result, const char *why) {
    struct dial *dial = arg;
    char text[64];

    if (result < 0) {
        fail(dial, why);
        return;
    }
    const char *alpn = conn_alpn(dial->conn);
    snprintf(text, sizeof(text), "%s%s%s%s", conn_tls_version(dial->conn),
             alpn[0] ? ", " : "", alpn, conn_is_resumed(dial->conn) ? ", resumed" : "");
    tell_step(dial, text);
    succeed(dial);
}

static void start_tls(struct dial *dial) {
    if (!dial->config.tls) {
        succeed(dial);
        return;
    }
    struct conn_tls_target target = {
        .name = dial->server_name,
        .port = dial->config.port,
        .alpn = dial->alpn,
    };
    dial->step = DIAL_TLS;
    dial->conn =
        conn_tls_connect(dial->conn, dial->config.tls, &target, on_secured, dial);
}

/* --- the proxy --- */

static void on_tunnel(void *arg, const char *why) {
    struct dial *dial = arg;

    if (why) {
        fail(dial, why);
        return;
    }
    dial->tunnel = dialler_proxy_tunnel_free(dial->tunnel);
    tell_step(dial, "CONNECT accepted");
    start_tls(dial);
}

static void start_proxy(struct dial *dial) {
    if (!dial->proxy.host) {
        start_tls(dial);
        return;
    }
    dial->step = DIAL_PROXY;
    dial->tunnel = dialler_proxy_tunnel(dial->conn, &dial->proxy, dial->host,
                                        dial->config.port, on_tunnel, dial);
}

/* --- connecting --- */

static void on_raced(void *arg, struct conn *conn, const char *why) {
    struct dial *dial = arg;

    if (!conn) {
        fail(dial, why);
        return;
    }
    dial->race = dialler_race_free(dial->race);
    dial->conn = conn;
    tell_step(dial, conn_peer(conn));
    start_proxy(dial);
}

/* --- the name --- */

static const char *host_to_reach(const struct dial *dial) {
    return dial->proxy.host ? dial->proxy.host : dial->host;
}

static unsigned port_to_reach(const struct dial *dial) {
    return dial->proxy.host ? dial->proxy.port : dial->config.port;
}

static void start_race(struct dial *dial,
                       struct sockaddr_storage *addresses,
                       size_t count) {
    char text[3 * NETADDR_TEXT_LEN] = "";
    size_t len = 0;

    if (dial->config.keep)
        count = dial->config.keep(dial->config.arg, addresses, count);
    if (count == 0) {
        fail(dial, "none of its addresses may be dialled");
        return;
    }
    for (size_t i = 0; i < count && i < 3; i++) {
        char address[NETADDR_TEXT_LEN];
        netaddr_print(&addresses[i], address);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "",
                                address);
    }
    tell_step(dial, text);
    dial->step = DIAL_CONNECT;
    dial->race = dialler_race_new(dial->loop, addresses, count, on_raced, dial);
}

static size_t copy_addresses(const struct addrinfo *found,
                             struct sockaddr_storage *ret_addresses) {
    size_t count = 0;

    for (; found && count < DIALLER_RACE_MAX; found = found->ai_next) {
        if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
            continue;
        memset(&ret_addresses[count], 0, sizeof(ret_addresses[count]));
        memcpy(&ret_addresses[count], found->ai_addr, found->ai_addrlen);
        count++;
    }
    return count;
}

static void take_lookup(struct dial *dial, int status, const struct addrinfo *found) {
    struct sockaddr_storage addresses[DIALLER_RACE_MAX];
    size_t count = status == 0 ? copy_addresses(found, addresses) : 0;

    if (count > 0) {
        start_race(dial, addresses, count);
        return;
    }
    int code = status == 0 || status == UV_EAI_NODATA ? EAI_NONAME : EAI_FAIL;
    if (status == UV_EAI_NONAME)
        code = EAI_NONAME;
    else if (status == UV_EAI_AGAIN)
        code = EAI_AGAIN;
    auto_(mem_freep) char *why =
        mem_printf("cannot resolve %s: %s", host_to_reach(dial), gai_strerror(code));
    fail(dial, why);
}

static void on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
    struct lookup *lookup = container_of(request, struct lookup, request);
    struct dial *dial = lookup->dial;

    free(lookup);
    if (dial) {
        dial->lookup = NULL;
        take_lookup(dial, status, found);
    }
    uv_freeaddrinfo(found);
}

static void start_lookup(struct dial *dial) {
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    char service[12];

    snprintf(service, sizeof(service), "%u", port_to_reach(dial));
    dial->lookup = mem_new(sizeof(*dial->lookup));
    dial->lookup->dial = dial;
    int r = uv_getaddrinfo(&dial->loop->uv, &dial->lookup->request, on_lookup,
                           host_to_reach(dial), service, &hints);
    if (r < 0) {
        free(TAKE(dial->lookup));
        take_lookup(dial, r, NULL);
    }
}

static void start_path(struct dial *dial) {
    const char *path = dial->host + sizeof(path_head) - 1;

    dial->step = DIAL_CONNECT;
    int r = conn_tcp_connect_path(dial->loop, path, &dial->conn);
    if (r < 0) {
        auto_(mem_freep) char *why =
            mem_printf("cannot connect to %s: %s", path, strerror(-r));
        fail(dial, why);
        return;
    }
    tell_step(dial, dial->host);
    start_tls(dial);
}

static void run_begin(struct task *task) {
    struct dial *dial = container_of(task, struct dial, begin);
    struct sockaddr_storage address;

    if (dialler_is_path(dial->host)) {
        start_path(dial);
    } else if (dial->proxy_text && !dialler_proxy_parse(dial->proxy_text, &dial->proxy)) {
        dial->step = DIAL_PROXY;
        fail(dial, "the proxy's address is not of the form http://HOST:PORT");
    } else if (netaddr_parse(host_to_reach(dial), port_to_reach(dial), &address)) {
        start_race(dial, &address, 1);
    } else {
        start_lookup(dial);
    }
}

struct dial *dialler_start(struct loop *loop, const struct dial_config *config) {
    struct dial *dial = mem_new(sizeof(*dial));

    *dial = (struct dial) {
        .loop = loop,
        .config = *config,
        .host = mem_strdup(config->host),
        .server_name =
            mem_strdup(config->server_name ? config->server_name : config->host),
        .alpn = mem_strdup(config->alpn),
        .proxy_text = mem_strdup(config->proxy),
        .timeout.fire = on_timeout,
        .begin.run = run_begin,
    };
    timer_start(loop, &dial->timeout, config->timeout_ms);
    loop_post(loop, &dial->begin);
    return dial;
}
