#include "hub/older/health_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hub/older/goformat.h"
#include "hub/older/request_id.h"
#include "rpc/exchange.h"
#include "wire/headers.h"

struct health_page {
    uint64_t start_ns;
    bool stopping;
};

struct health_page *health_page_new(uint64_t start_ns) {
    struct health_page *page = mem_new(sizeof(*page));

    page->start_ns = start_ns;
    return page;
}

struct health_page *health_page_free(struct health_page *page) {
    free(page);
    return NULL;
}

bool health_page_is_asked(const struct exchange *exchange) {
    const char *method = exchange_method(exchange);
    const char *path = exchange_path(exchange);
    size_t len = strcspn(path, "?");

    return slice_is_text(slice_of(path, len), "/health") &&
           (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
}

void health_page_serve(const struct health_page *page, struct exchange *exchange) {
    char uptime[GOFORMAT_DURATION_LEN];
    char text[GOFORMAT_DURATION_LEN + 16];
    char len[16];
    struct headers head;

    goformat_duration((int64_t)(clock_boot_ns() - page->start_ns), uptime);
    snprintf(text, sizeof(text), page->stopping ? "stopping\n" : "uptime: %s\n", uptime);
    snprintf(len, sizeof(len), "%zu", strlen(text));
    headers_init(&head);
    headers_add(&head, ":status", page->stopping ? "503" : "200");
    headers_add(&head, "content-type", "text/plain; charset=utf-8");
    headers_add(&head, "content-length", len);
    request_id_add(exchange, &head);
    exchange_respond(exchange, &head, true);
    headers_done(&head);
    exchange_write(exchange, slice_of_text(text));
    exchange_end(exchange);
    exchange_release(exchange);
}

void health_page_stop(struct health_page *page) {
    page->stopping = true;
}
