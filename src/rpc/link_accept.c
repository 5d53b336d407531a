#include "rpc/link_accept.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "loop/conn.h"
#include "loop/wsconn.h"
#include "rpc/exchange.h"
#include "wire/json_writer.h"
#include "wire/ws.h"

bool link_accept_is_asked(const struct exchange *exchange,
                          enum link_transport *ret_transport) {
    const struct headers *head = exchange->head;

    if (strcmp(exchange_path(exchange), LINK_PATH) != 0 ||
        strcmp(exchange_method(exchange), "GET") != 0)
        return false;
    if (headers_has_token(head, "upgrade", LINK_UPGRADE) &&
        headers_has_token(head, "connection", "upgrade") &&
        headers_has_token(head, "alpn", LINK_ALPN)) {
        *ret_transport = LINK_PTTH;
        return true;
    }
    if (ws_is_handshake(head) &&
        headers_has_token(head, "sec-websocket-protocol", LINK_SUBPROTOCOL)) {
        *ret_transport = LINK_WEBSOCKET;
        return true;
    }
    return false;
}

struct conn *link_accept_take(struct exchange *exchange,
                              enum link_transport transport,
                              const char *name,
                              const char *credential) {
    struct headers head;

    headers_init(&head);
    if (transport == LINK_WEBSOCKET) {
        ws_accept(exchange->head, LINK_SUBPROTOCOL, &head);
    } else {
        headers_add(&head, ":status", "101");
        headers_add(&head, "connection", "upgrade");
        headers_add(&head, "upgrade", LINK_UPGRADE);
        headers_add(&head, "alpn", LINK_ALPN);
    }
    headers_add(&head, "roost-name", name);
    if (credential)
        headers_add(&head, "roost-credential", credential);
    struct conn *conn = exchange_upgrade(exchange, &head);
    headers_done(&head);
    if (!conn) {
        exchange_release(exchange);
        return NULL;
    }
    return transport == LINK_WEBSOCKET ? wsconn_new(conn, false) : conn;
}

void link_accept_refuse(struct exchange *exchange,
                        unsigned http_status,
                        const char *error,
                        const char *message) {
    struct headers head;
    struct buf body = { 0 };
    char number[24];

    buf_printf(&body, "{\"code\":\"%s\",\"message\":", error);
    json_writer_quote(&body, slice_of_text(message));
    buf_add_text(&body, "}\n");

    headers_init(&head);
    snprintf(number, sizeof(number), "%u", http_status);
    headers_add(&head, ":status", number);
    headers_add(&head, "content-type", "application/json");
    headers_add(&head, "roost-error", error);
    snprintf(number, sizeof(number), "%zu", body.len);
    headers_add(&head, "content-length", number);
    exchange_respond(exchange, &head, true);
    headers_done(&head);
    exchange_write(exchange, buf_slice(&body));
    exchange_end(exchange);
    exchange_release(exchange);
    buf_done(&body);
}
