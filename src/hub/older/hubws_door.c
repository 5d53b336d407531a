#include "hub/older/hubws_door.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "dialect/hubws.h"
#include "hub/link/admission.h"
#include "hub/link/session.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/older/hubws_sessions.h"
#include "hub/older/request_id.h"
#include "hub/people/access.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "rpc/exchange.h"
#include "wire/headers.h"
#include "wire/ws.h"

enum {
    INSTANCE_BYTES = 16,
    NAME_TRIES = 99, /* my-server, my-server-2, ... */
};

struct hubws_door {
    struct hubws_door_config config;
    bool let_anonymous;
};

/* A registration that waits for its answer. */
struct visitor {
    struct admission_applicant applicant;
    struct hubws_door *door;   /* borrowed: outlives us */
    struct exchange *exchange; /* owned; NULL once it is answered */
    char *called;              /* owned: X-Hub-Meta-Name */
    char instance[2 * INSTANCE_BYTES + 1];
};

struct hubws_door *hubws_door_new(const struct hubws_door_config *config) {
    struct hubws_door *door = mem_new(sizeof(*door));

    door->config = *config;
    return door;
}

struct hubws_door *hubws_door_free(struct hubws_door *door) {
    free(door);
    return NULL;
}

void hubws_door_let_anonymous(struct hubws_door *door, bool anonymous) {
    door->let_anonymous = anonymous;
}

bool hubws_door_is_asked(const struct exchange *exchange) {
    const char *path = exchange_path(exchange);
    return slice_is_text(slice_of(path, strcspn(path, "?")), "/ws");
}

/* -- answers ---------------------------------------------------------------------------
 */

/* Before the upgrade: a text for the log of whoever runs the server. */
static void answer_text(struct exchange *exchange, unsigned status, const char *message) {
    struct headers head;
    char number[24];

    headers_init(&head);
    snprintf(number, sizeof(number), "%u", status);
    headers_add(&head, ":status", number);
    headers_add(&head, "content-type", "text/plain; charset=utf-8");
    if (status == 400)
        headers_add(&head, "sec-websocket-version", "13");
    if (status == 401)
        headers_add(&head, "www-authenticate", "Bearer");
    snprintf(number, sizeof(number), "%zu", strlen(message) + 1);
    headers_add(&head, "content-length", number);
    request_id_add(exchange, &head);
    exchange_respond(exchange, &head, true);
    headers_done(&head);
    exchange_write(exchange, slice_of_text(message));
    exchange_write(exchange, slice_of_text("\n"));
    exchange_end(exchange);
    exchange_release(exchange);
}

/* The 101: the conn behind it, or NULL when it was lost. The exchange is gone. */
static struct conn *upgrade(struct exchange *exchange) {
    struct headers head;

    headers_init(&head);
    ws_accept(exchange->head, NULL, &head);
    request_id_add(exchange, &head);
    struct conn *conn = exchange_upgrade(exchange, &head);
    headers_done(&head);
    if (!conn)
        exchange_release(exchange);
    return conn;
}

/* After the upgrade, as the older hub does: its servers show the reason and end. */
static void close_with(struct exchange *exchange, const char *reason) {
    log_info("server at %s refused: %s", conn_peer(exchange->conn), reason);
    struct conn *conn = upgrade(exchange);
    if (conn)
        hubws_refuse(conn, reason);
}

static void close_as_taken(struct exchange *exchange, const char *called) {
    auto_(mem_freep) char *reason =
        mem_printf("registration failed because client Name %s already exists", called);
    close_with(exchange, reason);
}

/* -- which name without a credential
 * ----------------------------------------------------- */

/* Is the name promised to whoever shows a token? */
static bool is_promised(const struct hubws_door *door, const char *name) {
    const struct access_token *token;

    for (size_t at = 0; (token = access_next(door->config.access, &at));)
        if (token->kind != ACCESS_CALLER && !token->revoked &&
            strcmp(token->name, name) == 0)
            return true;
    return false;
}

static bool is_title(const struct hubws_door *door,
                     const char *text,
                     const struct node *but) {
    const struct node *node;

    for (size_t at = 0; (node = registry_next(door->config.registry, &at));)
        if (node != but && strcmp(node->title, text) == 0)
            return true;
    return false;
}

static bool is_free(const struct hubws_door *door, const char *name) {
    return !registry_find(door->config.registry, name) &&
           !registry_is_reserved(door->config.registry, name) && !is_promised(door, name);
}

/* The name for a text that is none itself. */
static bool derive_name(const struct hubws_door *door,
                        const char *called,
                        char ret_name[static NAME_LEN_MAX + 1]) {
    char base[NAME_LEN_MAX + 1];

    name_from_host(called, base);
    for (unsigned i = 1; i <= NAME_TRIES; i++) {
        if (i == 1)
            snprintf(ret_name, NAME_LEN_MAX + 1, "%s", base);
        else
            snprintf(ret_name, NAME_LEN_MAX + 1, "%.59s-%u", base, i);
        if (is_free(door, ret_name))
            return true;
    }
    return false;
}

/* The name that somebody without a credential may ask for: one that nobody else has or is
 * promised, or the one that another such server holds. */
static bool choose_name(const struct hubws_door *door,
                        const char *called,
                        char ret_name[static NAME_LEN_MAX + 1]) {
    const struct node *holder = registry_find_anonymous(door->config.registry, called);

    if (holder) {
        snprintf(ret_name, NAME_LEN_MAX + 1, "%s", holder->name);
        return !is_promised(door, holder->name);
    }
    if (is_title(door, called, NULL))
        return false;
    if (!name_is_valid(called))
        return derive_name(door, called, ret_name);
    snprintf(ret_name, NAME_LEN_MAX + 1, "%s", called);
    return is_free(door, called);
}

/* -- the admission's answers
 * --------------------------------------------------------------- */

static struct visitor *visitor_of(struct admission_applicant *applicant) {
    return container_of(applicant, struct visitor, applicant);
}

/* The end of a visitor: its exchange, to be answered. */
static struct exchange *leave(struct visitor *visitor) {
    struct exchange *exchange = TAKE(visitor->exchange);

    exchange->on_wake = NULL;
    free(visitor->called);
    free(visitor);
    return exchange;
}

static void refuse(struct admission_applicant *applicant,
                   const struct admission_refusal *why) {
    struct visitor *visitor = visitor_of(applicant);

    if (strcmp(why->word, LINK_ERROR_TAKEN) == 0) {
        auto_(mem_freep) char *called = mem_strdup(visitor->called);
        close_as_taken(leave(visitor), called);
    } else {
        answer_text(leave(visitor), why->http_status, why->message);
    }
}

/* What its callers look for, unless somebody else is called so. */
static void set_title(const struct visitor *visitor, struct node *node) {
    const struct hubws_door *door = visitor->door;
    const char *called = visitor->called;

    if (strcmp(node->name, called) == 0 || strcmp(node->title, called) == 0)
        return;
    if (registry_find(door->config.registry, called) || is_title(door, called, node))
        log_warning("\"%s\" calls itself \"%s\", as another node is called already",
                    node->name, called);
    else if (node->anonymous || node->title[0] == '\0')
        node_set(&node->title, called);
}

static void admit(struct admission_applicant *applicant, struct session_config *session) {
    struct visitor *visitor = visitor_of(applicant);
    struct hubws_sessions *sessions = visitor->door->config.sessions;
    struct link_hello hello = { .instance = visitor->instance,
                                .name = "",
                                .version = "",
                                .status = "",
                                .capabilities = "" };

    listener_vouch(visitor->exchange->conn);
    set_title(visitor, session->node);
    struct conn *conn = upgrade(TAKE(visitor->exchange));
    session->hello = &hello;
    if (conn)
        hubws_sessions_add(sessions, conn, session);
    else
        hubws_sessions_sweep(sessions);
    free(visitor->called);
    free(visitor);
}

/* Of joins and checks, which this dialect has not. */
static void answer(struct admission_applicant *applicant,
                   const char *name,
                   const char *secret) {
    (void)name;
    (void)secret;
    answer_text(leave(visitor_of(applicant)), 400, "this registers servers alone");
}

static void forget(struct admission_applicant *applicant) {
    exchange_release(leave(visitor_of(applicant)));
}

static void on_wake(struct exchange *exchange) {
    struct visitor *visitor = exchange->user;

    if (!exchange->gone)
        return;
    admission_withdraw(&visitor->applicant);
    exchange_release(leave(visitor));
}

/* -- registering
 * -------------------------------------------------------------------------- */

static struct visitor *visitor_new(struct hubws_door *door,
                                   struct exchange *exchange,
                                   const char *credential,
                                   const char *called) {
    static const struct admission_door answers = {
        .refuse = refuse,
        .admit = admit,
        .answer = answer,
        .forget = forget,
    };
    struct visitor *visitor = mem_new(sizeof(*visitor));
    uint8_t random[INSTANCE_BYTES];

    crypto_random(random, sizeof(random));
    hex_encode(visitor->instance, random, sizeof(random));
    visitor->door = door;
    visitor->exchange = exchange;
    visitor->called = mem_strdup(called);
    visitor->applicant.door = &answers;
    visitor->applicant.transport = "hubws";
    visitor->applicant.peer = conn_peer(exchange->conn);
    visitor->applicant.is_dialect = true;
    visitor->applicant.hello = (struct link_hello) {
        .credential = credential,
        .name = visitor->called,
        .instance = visitor->instance,
        .intent = LINK_RUN,
    };
    exchange->user = visitor;
    exchange->on_wake = on_wake;
    return visitor;
}

static void register_server(struct hubws_door *door,
                            struct exchange *exchange,
                            const char *credential,
                            const char *called) {
    char name[NAME_LEN_MAX + 1];

    if (credential) {
        struct visitor *visitor = visitor_new(door, exchange, credential, called);
        admission_ask(door->config.admission, &visitor->applicant);
    } else if (choose_name(door, called, name)) {
        struct visitor *visitor = visitor_new(door, exchange, NULL, called);
        admission_ask_anonymous(door->config.admission, &visitor->applicant, name);
    } else {
        close_as_taken(exchange, called);
    }
}

static void refuse_stranger(const struct hubws_door *door, struct exchange *exchange) {
    const char *remedy =
        !door->let_anonymous
            ? "a credential is needed: authorization: Bearer TOKEN; roost token new "
              "--dialect NAME makes one, or let servers in without: [hubws] anonymous = "
              "yes, on the plain listener"
            : "a credential is needed over TLS: authorization: Bearer TOKEN; roost token "
              "new --dialect NAME makes one; the plain listener takes servers without";

    log_info("server at %s refused: it shows no credential", conn_peer(exchange->conn));
    answer_text(exchange, 401, remedy);
}

void hubws_door_take(struct hubws_door *door, struct exchange *exchange) {
    const char *credential = link_bearer(exchange->head, "authorization");
    const char *called = headers_get(exchange->head, "x-hub-meta-name");
    bool may_come = door->let_anonymous && !conn_is_tls(exchange->conn);

    if (!ws_is_handshake(exchange->head))
        answer_text(exchange, 400, "this is for WebSockets of version 13");
    else if (!credential && !may_come)
        refuse_stranger(door, exchange);
    else if (!called || called[0] == '\0')
        close_with(exchange, "name is empty");
    else if (!name_is_title(called))
        close_with(exchange, "registration failed because client Name is not text of "
                             "up to 64 characters");
    else
        register_server(door, exchange, credential, called);
}
