/*
 * web - what the hub answers over HTTP besides gRPC
 *
 * Links, servers of the older hub, the API as JSON, /metrics, /health, and a line for
 * people who open the address in a browser. Requests of pages of other origins are
 * refused before anything looks at them.
 */
#pragma once

#include <stddef.h>

struct admission;
struct exchange;
struct health_page;
struct hubws_door;
struct link_sessions;
struct loop;
struct registry;
struct scrape;
struct services;
struct target;
struct telegram_door;
struct web;

struct web_config { /* all borrowed, all outlive it */
    struct loop *loop;
    struct registry *registry;
    struct services *services;
    struct admission *admission;
    struct link_sessions *links;
    struct hubws_door *hubws;
    struct health_page *health;
    struct scrape *scrape;
    struct telegram_door *telegram;
    struct target *gate;
    const char *const
        *hosts; /* names and addresses of this hub, for origins; NULL-terminated */
    size_t message_max;
};

struct web *web_new(const struct web_config *config);
struct web *web_free(struct web *web);

/* Another message_max, for calls to come. */
void web_limit(struct web *web, size_t message_max);

/* Links, pages and metrics are another process's from now on; calls go on. */
void web_close(struct web *web);

/* Takes the exchange. */
void web_serve(struct web *web, struct exchange *exchange);
