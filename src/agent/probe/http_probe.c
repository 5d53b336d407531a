#include "agent/probe/http_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto_cert.h"
#include "base/mem.h"
#include "base/version.h"
#include "loop/conn.h"
#include "loop/dialler.h"
#include "loop/loop.h"
#include "loop/netaddr.h"
#include "loop/timer.h"
#include "loop/tls.h"
#include "wire/http1.h"
#include "wire/http_url.h"

enum {
    INTERIMS_MAX = 8, /* answers 1xx before the true one */
    BODY_PART = 16384,
};

struct http_probe {
    struct http_probe_config config; /* its url is not used: it is read below */
    struct http_url url;             /* of this hop */
    struct dial *dial;               /* owned, as what follows; NULL: not now */
    struct tls_client *tls;
    struct conn *conn;
    struct http1 *http1;
    struct timer late;
    struct task hop;     /* the next one */
    struct task goodbye; /* on_done, outside of the connection's callbacks */
    bool is_over;
    unsigned hops;
    unsigned interims;
    uint64_t begun_us;
    uint64_t hop_us;      /* when this hop began */
    uint64_t resolved_us; /* 0: not yet, as those that follow */
    uint64_t connected_us;
    char address[NETADDR_TEXT_LEN];
    struct crypto_cert_facts certificate;
    char distrust[256];
    char error[256]; /* "": none */
    char *location;  /* owned */
    struct http_probe_result result;
};

static double ms_between(uint64_t from_us, uint64_t to_us) {
    return from_us && to_us > from_us ? (double)(to_us - from_us) / 1000 : 0;
}

/* Ends the connection of this hop, and forgets what it showed. */
static void end_hop(struct http_probe *probe) {
    probe->dial = dialler_cancel(probe->dial);
    if (probe->conn)
        conn_close(TAKE(probe->conn));
    probe->http1 = http1_free(probe->http1);
}

static void forget_server(struct http_probe *probe) {
    crypto_cert_facts_done(&probe->certificate);
    probe->tls = tls_client_free(probe->tls);
    free(TAKE(probe->location));
    probe->address[0] = '\0';
    probe->distrust[0] = '\0';
    probe->result = (struct http_probe_result) { 0 };
    probe->resolved_us = 0;
    probe->connected_us = 0;
    probe->interims = 0;
}

static void free_probe(struct http_probe *probe) {
    end_hop(probe);
    forget_server(probe);
    timer_stop(&probe->late);
    loop_cancel(&probe->hop);
    loop_cancel(&probe->goodbye);
    free(probe);
}

struct http_probe *http_probe_cancel(struct http_probe *probe) {
    if (probe)
        free_probe(probe);
    return NULL;
}

static void run_goodbye(struct task *task) {
    struct http_probe *probe = container_of(task, struct http_probe, goodbye);

    end_hop(probe);
    probe->config.on_done(probe->config.arg, &probe->result);
    free_probe(probe);
}

/* It is over: with an error, unless why is NULL. */
static void finish(struct http_probe *probe, const char *why) {
    struct http_probe_result *result = &probe->result;

    if (probe->is_over)
        return;
    probe->is_over = true;
    timer_stop(&probe->late);
    if (why)
        snprintf(probe->error, sizeof(probe->error), "%s", why);
    result->error = why ? probe->error : NULL;
    result->total_ms = ms_between(probe->begun_us, loop_clock_us());
    result->address = probe->address;
    result->certificate = probe->certificate.subject ? &probe->certificate : NULL;
    result->distrust = probe->distrust;
    result->location = probe->location ? probe->location : "";
    result->to = probe->url.to;
    loop_post(probe->config.loop, &probe->goodbye);
}

/* --- the answer --- */

static bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 ||
           status == 308;
}

/* Begins the next hop, or ends with this answer. */
static void end_answer(struct http_probe *probe) {
    const char *why;
    struct http_url next;

    if (!probe->location || !is_redirect(probe->result.status) ||
        probe->config.redirects_max == 0 || probe->distrust[0]) {
        finish(probe, NULL);
        return;
    }
    if (probe->hops >= probe->config.redirects_max) {
        finish(probe, "there are more redirects than are followed");
        return;
    }
    if (http_url_join(&probe->url, probe->location, &next, &why) != 0) {
        finish(probe, "the redirect leads to what is no URL of the web");
        return;
    }
    probe->hops++;
    probe->url = next;
    loop_post(probe->config.loop, &probe->hop);
}

static void take_head(struct http_probe *probe, const struct http1_message *message) {
    const char *status = headers_get(&message->head, ":status");
    const char *location = headers_get(&message->head, "location");

    probe->result.status = (unsigned)strtoul(status, NULL, 10);
    if (location && strlen(location) < HTTP_URL_MAX && !probe->location)
        probe->location = mem_strdup(location);
}

/* Is the body of this answer thrown away, because another one follows? */
static bool is_on_the_way(const struct http_probe *probe) {
    return probe->location && is_redirect(probe->result.status) &&
           probe->config.redirects_max > 0;
}

/* Takes what is there of the body; false: it is enough. */
static bool take_body(struct http_probe *probe, struct pipe *body) {
    while (body->len > 0) {
        uint64_t room = probe->config.bytes_max - probe->result.bytes;
        struct slice part = pipe_peek(body);
        if (part.len > room)
            part.len = (size_t)room;
        probe->result.bytes += part.len;
        if (!is_on_the_way(probe) && probe->config.on_body &&
            !probe->config.on_body(probe->config.arg, part))
            return false;
        if (part.len == room && (body->len > part.len || room == 0))
            return false;
        pipe_drop(body, part.len);
    }
    return true;
}

/* An answer 1xx is over: the true one follows. False: the probe has ended. */
static bool step_over(struct http_probe *probe) {
    if (probe->result.status == 101 || ++probe->interims > INTERIMS_MAX) {
        finish(probe, "the server does not come to an answer");
        return false;
    }
    probe->result.status = 0;
    free(TAKE(probe->location));
    http1_next(probe->http1);
    return true;
}

/* Looks at what the reader has; false: this hop is over. */
static bool look(struct http_probe *probe) {
    struct http1_message *message = http1_message(probe->http1);

    if (message->has_head && probe->result.status == 0)
        take_head(probe, message);
    if (!take_body(probe, &message->body)) {
        end_answer(probe);
        return false;
    }
    if (!message->ended)
        return true;
    if (probe->result.status < 200)
        return step_over(probe);
    end_answer(probe);
    return false;
}

static bool has_ended(const struct http_probe *probe) {
    return probe->is_over || list_is_linked(&probe->hop.node);
}

static void on_bytes(void *owner, struct slice bytes) {
    struct http_probe *probe = owner;

    if (has_ended(probe))
        return;
    if (probe->result.first_byte_ms <= 0)
        probe->result.first_byte_ms = ms_between(probe->hop_us, loop_clock_us());
    while (bytes.len > 0) {
        size_t taken = 0;
        struct slice part =
            slice_of(bytes.at, bytes.len < BODY_PART ? bytes.len : BODY_PART);
        int r = http1_feed(probe->http1, part, &taken);
        if (r == HTTP1_E_HEAD_TOO_LONG) {
            finish(probe, "the head of the answer is longer than 32 KiB or 100 fields");
            return;
        }
        if (r != 0) {
            finish(probe, "the answer is no HTTP/1.x");
            return;
        }
        bytes = slice_after(bytes, taken);
        if (!look(probe))
            return;
    }
}

static void on_closed(void *owner, int reason) {
    struct http_probe *probe = owner;
    const struct http1_message *message = http1_message(probe->http1);

    if (has_ended(probe))
        return;
    if (reason == 0 && http1_finish(probe->http1) == 0 && message->has_head) {
        if (look(probe))
            finish(probe, "the server ended the connection before it answered");
    } else if (message->has_head) {
        finish(probe, "the answer was cut: the connection has ended within it");
    } else if (reason < 0) {
        char why[128];
        snprintf(why, sizeof(why), "the connection broke before an answer: %s",
                 strerror(-reason));
        finish(probe, why);
    } else {
        finish(probe, "the server ended the connection before it answered");
    }
}

static const struct conn_events conn_events = {
    .on_bytes = on_bytes,
    .on_closed = on_closed,
};

/* --- the way there --- */

static void ask(struct http_probe *probe) {
    auto_(mem_freep) char *authority = http_url_authority(&probe->url);
    struct headers head = { 0 };
    struct buf out = { 0 };

    headers_add(&head, ":method", probe->config.method);
    headers_add(&head, ":path", probe->url.target);
    headers_add(&head, "host", authority);
    headers_add(&head, "user-agent", "roost/" ROOST_VERSION);
    headers_add(&head, "accept", "*/*");
    headers_add(&head, "connection", "close");
    http1_write_head(&out, &head);
    conn_send(probe->conn, buf_slice(&out));
    buf_done(&out);
    headers_done(&head);
}

static void note_certificate(struct http_probe *probe) {
    const struct tls_mismatch *seen = probe->tls ? tls_client_seen(probe->tls) : NULL;

    if (!seen || tls_client_leaf(probe->tls).len == 0)
        return;
    snprintf(probe->distrust, sizeof(probe->distrust), "%s", seen->why);
    crypto_cert_parse(tls_client_leaf(probe->tls), &probe->certificate);
}

static void on_dialled(void *arg,
                       struct conn *conn,
                       enum dial_step step,
                       const char *why) {
    struct http_probe *probe = arg;

    probe->dial = NULL;
    note_certificate(probe);
    if (!conn) {
        finish(probe, why);
        return;
    }
    if (probe->tls)
        probe->result.tls_ms = ms_between(probe->connected_us, loop_clock_us());
    probe->conn = conn;
    probe->http1 = http1_new(HTTP1_RESPONSE, HTTP_PROBE_HEAD_MAX);
    if (strcmp(probe->config.method, "HEAD") == 0)
        http1_no_body(probe->http1);
    conn_set_owner(conn, &conn_events, probe);
    ask(probe);
}

static void on_step(void *arg, enum dial_step step, const char *text) {
    struct http_probe *probe = arg;

    if (step != DIAL_CONNECT)
        return;
    probe->connected_us = loop_clock_us();
    probe->result.connect_ms = ms_between(probe->resolved_us, probe->connected_us);
    snprintf(probe->address, sizeof(probe->address), "%s", text);
}

static size_t keep(void *arg, struct sockaddr_storage *addresses, size_t count) {
    struct http_probe *probe = arg;

    probe->resolved_us = loop_clock_us();
    probe->result.resolve_ms = ms_between(probe->hop_us, probe->resolved_us);
    size_t kept = probe->config.keep(probe->config.arg, probe->url.to.host,
                                     probe->url.to.port, addresses, count);
    probe->result.is_denied = kept == 0;
    return kept;
}

static void on_late(struct timer *timer) {
    struct http_probe *probe = container_of(timer, struct http_probe, late);
    char why[64];

    snprintf(why, sizeof(why), "%s after %u ms",
             probe->result.status ? "the answer was not whole"
             : probe->conn        ? "no answer"
             : probe->resolved_us ? "no connection"
                                  : "the name was not resolved",
             probe->config.timeout_ms);
    finish(probe, why);
}

/* A client of TLS of its own, which resumes nothing: what is shown is shown now. */
static bool make_tls(struct http_probe *probe) {
    struct tls_trust trust = { .notes_only = !probe->config.needs_trust };

    return probe->url.is_plain || tls_client_new(&trust, NULL, &probe->tls) == 0;
}

static void run_hop(struct task *task) {
    struct http_probe *probe = container_of(task, struct http_probe, hop);
    struct dial_config dial = {
        .host = probe->url.to.host,
        .port = probe->url.to.port,
        .alpn = "http/1.1",
        .timeout_ms = probe->config.timeout_ms,
        .on_step = on_step,
        .keep = keep,
        .on_done = on_dialled,
        .arg = probe,
    };

    end_hop(probe);
    forget_server(probe);
    probe->hop_us = loop_clock_us();
    if (!make_tls(probe)) {
        finish(probe, "the system's certificate authorities cannot be read");
        return;
    }
    dial.tls = probe->tls;
    probe->dial = dialler_start(probe->config.loop, &dial);
}

int http_probe_start(const struct http_probe_config *config,
                     struct http_probe **ret_probe,
                     const char **ret_why) {
    struct http_probe *probe = mem_new(sizeof(*probe));

    probe->config = *config;
    probe->late.fire = on_late;
    probe->hop.run = run_hop;
    probe->goodbye.run = run_goodbye;
    int r = http_url_parse(config->url, &probe->url, ret_why);
    if (r < 0) {
        free(probe);
        return r;
    }
    probe->begun_us = loop_clock_us();
    timer_start(config->loop, &probe->late, config->timeout_ms);
    loop_post(config->loop, &probe->hop);
    *ret_probe = probe;
    return 0;
}
