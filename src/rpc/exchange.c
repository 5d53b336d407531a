#include "rpc/exchange.h"

#include <stdio.h>
#include <string.h>

static const char *field(const struct exchange *exchange, const char *name) {
    const char *value = headers_get(exchange->head, name);
    return value ? value : "";
}

const char *exchange_method(const struct exchange *exchange) {
    return field(exchange, ":method");
}

const char *exchange_path(const struct exchange *exchange) {
    return field(exchange, ":path");
}

const char *exchange_authority(const struct exchange *exchange) {
    const char *authority = headers_get(exchange->head, ":authority");
    return authority ? authority : field(exchange, "host");
}

void exchange_respond(struct exchange *exchange,
                      const struct headers *head,
                      bool has_body) {
    if (exchange->gone || exchange->responded)
        return;
    if (strcmp(exchange_method(exchange), "HEAD") == 0)
        has_body = false; /* what the owner writes is not sent (RFC 9110, 9.3.2) */
    exchange->responded = true;
    exchange->ended = !has_body;
    exchange->ops->respond(exchange, head, has_body);
}

void exchange_answer(struct exchange *exchange,
                     unsigned status,
                     const char *content_type,
                     struct slice body) {
    struct headers head;
    char number[24];

    headers_init(&head);
    snprintf(number, sizeof(number), "%u", status);
    headers_add(&head, ":status", number);
    if (content_type)
        headers_add(&head, "content-type", content_type);
    snprintf(number, sizeof(number), "%zu", body.len);
    headers_add(&head, "content-length", number);
    exchange_respond(exchange, &head, body.len > 0);
    headers_done(&head);
    if (body.len > 0) {
        exchange_write(exchange, body);
        exchange_end(exchange);
    }
}

size_t exchange_room(const struct exchange *exchange) {
    return exchange->gone ? 0 : exchange->ops->room(exchange);
}

void exchange_write(struct exchange *exchange, struct slice bytes) {
    if (!exchange->gone && !exchange->ended && bytes.len > 0)
        exchange->ops->write(exchange, bytes);
}

void exchange_end(struct exchange *exchange) {
    if (exchange->gone || exchange->ended)
        return;
    exchange->ended = true;
    exchange->ops->end(exchange);
}

void exchange_taken(struct exchange *exchange, size_t count) {
    if (!exchange->gone && count > 0)
        exchange->ops->taken(exchange, count);
}

bool exchange_hold(struct exchange *exchange, size_t total) {
    return exchange->gone || exchange->ops->hold(exchange, total);
}

struct conn *exchange_upgrade(struct exchange *exchange, const struct headers *head) {
    if (exchange->gone || exchange->responded)
        return NULL;
    return exchange->ops->upgrade(exchange, head);
}

void exchange_release(struct exchange *exchange) {
    exchange->on_wake = NULL;
    exchange->ops->release(exchange);
}
