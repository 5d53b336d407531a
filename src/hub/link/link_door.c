#include "hub/link/link_door.h"

#include <stdlib.h>

#include "base/mem.h"
#include "hub/link/admission.h"
#include "hub/link/link_sessions.h"
#include "hub/link/session.h"
#include "hub/nodes/node.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "rpc/exchange.h"
#include "rpc/link_accept.h"
#include "wire/headers.h"

/* A handshake that waits for its answer. */
struct visitor {
    struct admission_applicant applicant;
    struct link_sessions *links; /* borrowed: outlives us */
    struct exchange *exchange;   /* owned; NULL once it is answered */
    enum link_transport transport;
};

static struct visitor *visitor_of(struct admission_applicant *applicant) {
    return container_of(applicant, struct visitor, applicant);
}

/* The end of a visitor: its exchange, to be answered. */
static struct exchange *leave(struct visitor *visitor) {
    struct exchange *exchange = TAKE(visitor->exchange);

    exchange->on_wake = NULL;
    free(visitor);
    return exchange;
}

static void refuse(struct admission_applicant *applicant,
                   const struct admission_refusal *why) {
    link_accept_refuse(leave(visitor_of(applicant)), why->http_status, why->word,
                       why->message);
}

static void admit(struct admission_applicant *applicant, struct session_config *session) {
    struct visitor *visitor = visitor_of(applicant);
    struct link_sessions *links = visitor->links;
    enum link_transport transport = visitor->transport;
    struct exchange *exchange = leave(visitor);
    struct headers said; /* the exchange and its fields end with the upgrade */
    struct link_hello hello;

    listener_vouch(exchange->conn);
    headers_init(&said);
    headers_add_all(&said, exchange->head);
    link_hello_read(&said, &hello);
    session->hello = &hello;
    struct conn *conn = link_accept_take(exchange, transport, session->node->name, NULL);
    if (conn)
        link_sessions_add(links, conn, session);
    headers_done(&said);
}

/* No link comes of this handshake. */
static void answer(struct admission_applicant *applicant,
                   const char *name,
                   const char *secret) {
    struct visitor *visitor = visitor_of(applicant);
    enum link_transport transport = visitor->transport;
    struct exchange *exchange = leave(visitor);

    listener_vouch(exchange->conn);
    struct conn *conn = link_accept_take(exchange, transport, name, secret);
    if (!conn)
        return;
    conn_set_owner(conn, NULL, NULL);
    conn_finish(conn);
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

static const struct admission_door door = {
    .refuse = refuse,
    .admit = admit,
    .answer = answer,
    .forget = forget,
};

void link_door_take(struct admission *admission,
                    struct link_sessions *links,
                    struct exchange *exchange,
                    enum link_transport transport) {
    struct link_hello hello;

    if (!link_hello_read(exchange->head, &hello)) {
        link_accept_refuse(exchange, 401, LINK_ERROR_MALFORMED,
                           "authorization and roost-instance are needed");
        return;
    }
    struct visitor *visitor = mem_new(sizeof(*visitor));
    *visitor = (struct visitor) {
        .applicant = {
            .door = &door,
            .hello = hello,
            .transport = link_transport_name(transport),
            .peer = conn_peer(exchange->conn),
        },
        .links = links,
        .exchange = exchange,
        .transport = transport,
    };
    exchange->user = visitor;
    exchange->on_wake = on_wake;
    admission_ask(admission, &visitor->applicant);
}
