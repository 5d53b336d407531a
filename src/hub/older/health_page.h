/*
 * health_page - GET /health, as the older hub answers it
 *
 * "uptime: 1h2m3.5s" and 200 while the hub serves, 503 once it stops.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct exchange;
struct health_page;

/* start_ns is the boot time at which the hub started. */
struct health_page *health_page_new(uint64_t start_ns);

/* NULL is fine. Always returns NULL. */
struct health_page *health_page_free(struct health_page *page);

bool health_page_is_asked(const struct exchange *exchange);

/* Takes the exchange. */
void health_page_serve(const struct health_page *page, struct exchange *exchange);

/* The hub stops. */
void health_page_stop(struct health_page *page);
