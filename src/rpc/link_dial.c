#include "rpc/link_dial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/wsconn.h"
#include "wire/http1.h"
#include "wire/json_reader.h"
#include "wire/ws.h"

enum {
    UPGRADE_REQUIRED = 426, /* the hub's answer when the upgrade was lost on the way */
    HEAD_MAX = 16384,       /* of the answer */
    BODY_MAX = 4096,        /* of a refusal's text */
    ANSWER_MS = 15000,      /* from the request to the whole answer */
};

struct link_dial {
    struct link_dial_config
        config;          /* its strings: only until start returns; see request */
    struct loop *loop;   /* borrowed: outlives us */
    struct dial *dial;   /* owned; NULL when not dialling */
    struct conn *conn;   /* owned; NULL before and after the handshake */
    struct http1 *http1; /* owned */
    struct headers request;
    struct timer timer;
    char ws_key[25];
    char *host_field; /* owned: "nas:8000" */
    enum link_intent intent;
    bool telling; /* on_done is being called: it frees itself */
};

static void destroy(struct link_dial *it) {
    dialler_cancel(it->dial);
    if (it->conn)
        conn_close(it->conn);
    timer_stop(&it->timer);
    http1_free(it->http1);
    headers_done(&it->request);
    free(it->host_field);
    free(it);
}

/* Tells the end; the dial is gone. */
static void finish(struct link_dial *it, struct link_dial_result *result) {
    it->telling = true;
    it->config.on_done(it->config.arg, result);
    destroy(it);
}

static void fail(struct link_dial *it, enum link_dial_end end, const char *message) {
    struct link_dial_result result = {
        .end = end,
        .step = DIAL_TLS,
        .error = "",
        .message = message,
    };
    finish(it, &result);
}

static bool is_upgraded(const struct link_dial *it, const struct headers *head) {
    if (it->config.transport == LINK_WEBSOCKET)
        return ws_is_accepted(head, it->ws_key, LINK_SUBPROTOCOL);
    return headers_has_token(head, "upgrade", LINK_UPGRADE) &&
           headers_has_token(head, "alpn", LINK_ALPN);
}

static void take_upgrade(struct link_dial *it, struct slice rest) {
    const struct headers *head = &http1_message(it->http1)->head;
    const char *name = headers_get(head, "roost-name");
    const char *credential = headers_get(head, "roost-credential");

    if (!is_upgraded(it, head) || !name) {
        fail(it, LINK_DIAL_NO_UPGRADE,
             "the upgrade was answered by something that is no hub");
        return;
    }
    if (it->intent == LINK_JOIN && !credential) {
        fail(it, LINK_DIAL_NO_UPGRADE, "the hub gave no credential");
        return;
    }
    struct conn *conn = TAKE(it->conn);
    conn_set_owner(conn, NULL, NULL);
    if (it->intent != LINK_RUN) {
        conn_finish(conn);
        conn = NULL;
    } else {
        conn_unread(conn, rest);
        if (it->config.transport == LINK_WEBSOCKET)
            conn = wsconn_new(conn, true);
    }
    struct link_dial_result result = {
        .end = LINK_DIAL_READY,
        .conn = conn,
        .http_status = 101,
        .error = "",
        .message = "",
        .name = name,
        .credential = credential,
    };
    finish(it, &result);
}

/* The text under "message" of a JSON object; NULL when there is none. To be freed. */
static char *find_message(struct slice json) {
    struct json_reader reader;
    char *message = NULL;

    json_reader_init(&reader, json);
    if (json_reader_next(&reader) == JSON_OBJECT) {
        while (!message && json_reader_next(&reader) == JSON_NAME) {
            bool found = slice_is_text(json_reader_value(&reader), "message");
            enum json_token token = json_reader_next(&reader);
            if (found && token == JSON_TEXT) {
                struct slice text = json_reader_value(&reader);
                message = mem_dup(text.at, text.len);
            } else if (!json_reader_skip(&reader, token)) {
                break;
            }
        }
    }
    json_reader_done(&reader);
    return message;
}

/* The message of a refusal's JSON, or the HTTP status in words. */
static char *message_of(struct http1_message *answer) {
    const char *status = headers_get(&answer->head, ":status");
    char body[BODY_MAX + 1];
    size_t len = answer->body.len < BODY_MAX ? answer->body.len : BODY_MAX;

    pipe_copy(&answer->body, body, len);
    body[len] = '\0';
    char *message = find_message(slice_of(body, len));
    return message ? message
                   : mem_printf("the answer was HTTP %s %s", status,
                                http1_reason((unsigned)strtoul(status, NULL, 10)));
}

static void take_refusal(struct link_dial *it) {
    struct http1_message *answer = http1_message(it->http1);
    const char *error = headers_get(&answer->head, "roost-error");
    char *message = message_of(answer);
    int status = (int)strtol(headers_get(&answer->head, ":status"), NULL, 10);
    bool is_final = error && status != UPGRADE_REQUIRED;
    struct link_dial_result result = {
        .end = is_final ? LINK_DIAL_REFUSED : LINK_DIAL_NO_UPGRADE,
        .step = DIAL_TLS,
        .http_status = status,
        .error = error ? error : "",
        .message = message,
    };

    finish(it, &result);
    free(message);
}

/* 100 and 103 come before the answer (RFC 9110, 15.2). */
static bool is_interim(const struct http1_message *answer) {
    const char *status = answer->has_head ? headers_get(&answer->head, ":status") : "";
    return status[0] == '1' && strcmp(status, "101") != 0;
}

static void on_bytes(void *owner, struct slice bytes) {
    struct link_dial *it = owner;
    struct http1_message *answer = http1_message(it->http1);
    size_t taken = 0;

    int r = http1_feed(it->http1, bytes, &taken);
    while (r == 0 && is_interim(answer)) {
        http1_next(it->http1);
        bytes = slice_after(bytes, taken);
        r = http1_feed(it->http1, bytes, &taken);
    }
    if (r != 0) {
        fail(it, LINK_DIAL_NO_UPGRADE, "the answer is not HTTP/1.1");
        return;
    }
    if (!answer->has_head)
        return;
    if (strcmp(headers_get(&answer->head, ":status"), "101") == 0)
        take_upgrade(it, slice_after(bytes, taken));
    else if (answer->ended || answer->body.len >= BODY_MAX)
        take_refusal(it);
}

static void on_closed(void *owner, int reason) {
    struct link_dial *it = owner;
    const struct http1_message *answer = http1_message(it->http1);

    if (answer->has_head)
        take_refusal(it);
    else
        fail(it, LINK_DIAL_NO_UPGRADE, "the connection was closed without an answer");
}

static void on_timer(struct timer *timer) {
    struct link_dial *it = container_of(timer, struct link_dial, timer);

    if (http1_message(it->http1)->has_head)
        take_refusal(it);
    else
        fail(it, LINK_DIAL_NO_UPGRADE, "no answer to the upgrade in time");
}

static void make_request(struct link_dial *it, const struct link_hello *hello) {
    if (it->config.transport == LINK_WEBSOCKET) {
        ws_request(LINK_PATH, it->host_field, LINK_SUBPROTOCOL, &it->request, it->ws_key);
    } else {
        headers_add(&it->request, ":method", "GET");
        headers_add(&it->request, ":path", LINK_PATH);
        headers_add(&it->request, "host", it->host_field);
        headers_add(&it->request, "connection", "upgrade");
        headers_add(&it->request, "upgrade", LINK_UPGRADE);
        headers_add(&it->request, "alpn", LINK_ALPN);
    }
    link_hello_write(&it->request, hello);
}

static void on_dialled(void *arg,
                       struct conn *conn,
                       enum dial_step failed,
                       const char *why) {
    static const struct conn_events events = { .on_bytes = on_bytes,
                                               .on_closed = on_closed };
    struct link_dial *it = arg;
    struct buf out = { 0 };

    it->dial = NULL;
    if (!conn) {
        struct link_dial_result result = {
            .end = LINK_DIAL_UNREACHED,
            .step = failed,
            .error = "",
            .message = why,
        };
        finish(it, &result);
        return;
    }
    it->conn = conn;
    conn_set_owner(conn, &events, it);
    http1_write_head(&out, &it->request);
    conn_send(conn, buf_slice(&out));
    buf_done(&out);
    timer_start(it->loop, &it->timer, ANSWER_MS);
}

static void on_step(void *arg, enum dial_step step, const char *text) {
    struct link_dial *it = arg;
    if (it->config.on_step)
        it->config.on_step(it->config.arg, step, text);
}

struct link_dial *link_dial_start(struct loop *loop,
                                  const struct link_dial_config *config) {
    struct link_dial *it = mem_new(sizeof(*it));
    struct dial_config dial = config->dial;
    bool is_v6 = strchr(dial.host, ':') != NULL;

    *it = (struct link_dial) {
        .config = *config,
        .loop = loop,
        .http1 = http1_new(HTTP1_RESPONSE, HEAD_MAX),
        .timer.fire = on_timer,
        .host_field = mem_printf(is_v6 ? "[%s]:%u" : "%s:%u", dial.host, dial.port),
        .intent = config->hello.intent,
    };
    headers_init(&it->request);
    make_request(it, &config->hello);
    dial.alpn = "http/1.1";
    dial.on_step = on_step;
    dial.on_done = on_dialled;
    dial.arg = it;
    it->dial = dialler_start(loop, &dial);
    return it;
}

struct link_dial *link_dial_cancel(struct link_dial *dial) {
    if (dial && !dial->telling)
        destroy(dial);
    return NULL;
}
