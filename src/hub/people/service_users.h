/*
 * service_users - roost.v1.Users
 */
#pragma once

struct access;
struct activity;
struct loop;
struct registry;
struct service_users;
struct services;
struct store;
struct underway;
struct users;

struct service_users_config { /* all borrowed, all outlive it */
    struct loop *loop;
    struct store *store;
    struct services *services;
    struct access *access;
    struct users *users;
    struct underway *underway;
    struct activity *activity;
    struct registry *registry;
    const char *addresses; /* [hub] address: "HOST:PORT[,HOST:PORT]"; "" when unset */
    /* The pin of the CA in use, or "" when a public certificate is served. */
    const char *(*pin)(void *arg);
    void *arg;
};

/* Adds the service to the set. */
struct service_users *service_users_new(const struct service_users_config *config);

/* Other addresses for the line to log in with, borrowed like those of the config. */
void service_users_set_addresses(struct service_users *service, const char *addresses);

/* NULL is fine; always returns NULL. */
struct service_users *service_users_free(struct service_users *service);
