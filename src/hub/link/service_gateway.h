/*
 * service_gateway - roost.v1.Gateway: agents of any language, on one stream
 *
 * The door and the driver of their sessions: lets them in by the rules of links (a join
 * token is exchanged on the same stream), hands their samples on, and leads calls to
 * them.
 */
#pragma once

#include <stddef.h>

#include "hub/samples/intake.h"

struct access;
struct admission;
struct service_gateway;
struct services;
struct session_pool;

struct service_gateway_config { /* all borrowed, all outlive it */
    struct services *services;
    struct access *access;
    struct admission *admission;
    struct session_pool *sessions;
    struct intake_shared samples; /* what their samples go into */
    size_t calls_max;             /* of one agent */
    size_t message_max;
    size_t header_bytes_max;
};

struct service_gateway *service_gateway_new(const struct service_gateway_config *config);

/* After the last session. NULL is fine; always returns NULL. */
struct service_gateway *service_gateway_free(struct service_gateway *gateway);

/* Other limits, for agents to come. */
void service_gateway_limit(struct service_gateway *gateway,
                           size_t calls_max,
                           size_t message_max,
                           size_t header_bytes_max);
