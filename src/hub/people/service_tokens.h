/*
 * service_tokens - roost.v1.Tokens
 */
#pragma once

#include <stdbool.h>

#include <stddef.h>

struct access;
struct activity;
struct registry;
struct service_tokens;
struct services;
struct session_pool;
struct loop;
struct store;
struct underway;
struct users;

struct service_tokens_config { /* all borrowed, all outlive it */
    struct loop *loop;
    struct store *store;
    struct services *services;
    struct access *access;
    struct users *users;
    struct underway *underway;
    struct activity *activity;
    struct registry *registry;
    struct session_pool *sessions;
    const char *addresses; /* [hub] address: "HOST:PORT[,HOST:PORT]"; "" when unset */
    /* The pin of the CA in use, or "" when a public certificate is served. */
    const char *(*pin)(void *arg);
    /* May people who are no administrators let nodes of their own join? */
    bool (*may_join)(void *arg);
    void *arg;
};

/* Adds the service to the set. */
struct service_tokens *service_tokens_new(const struct service_tokens_config *config);

/* Other addresses for links, borrowed like those of the config. */
void service_tokens_set_addresses(struct service_tokens *service, const char *addresses);

/* NULL is fine; always returns NULL. */
struct service_tokens *service_tokens_free(struct service_tokens *service);
