/*
 * scrape - what GET /metrics answers
 *
 * The hub's own state, and with ?nodes=SELECT the latest values of the nodes that are
 * online, as far as the token that is shown may see them: OpenMetrics for who accepts it,
 * else Prometheus' text format.
 */
#pragma once

#include <stdbool.h>

struct access;
struct exchange;
struct registry;
struct remote_writer;
struct scrape;
struct session_pool;
struct store;

struct scrape_config { /* all borrowed, all outlive it */
    struct access *access;
    struct registry *registry;
    struct session_pool *sessions;
    struct store *store;
    struct remote_writer *writer; /* NULL: nothing is written to others */
};

struct scrape *scrape_new(const struct scrape_config *config);
struct scrape *scrape_free(struct scrape *scrape);

/* Is it /metrics, with or without a query? */
bool scrape_is_asked(const struct exchange *exchange);

/* Takes the exchange. */
void scrape_serve(struct scrape *scrape, struct exchange *exchange);
