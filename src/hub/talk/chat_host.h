/*
 * chat_host - what the conversation asks of the hub
 *
 * Who a person is: a chat identity ("telegram:12345") is a credential of a user like his
 * laptop, kept where that identity is, so that it is listed, revoked and limited as any
 * other. It is made by exchanging a code, which the claim of the API does.
 */
#pragma once

#include "chat/chat.h"

struct access;
struct activity;
struct chat_host_hub;
struct registry;
struct timekeeper;
struct users;

struct chat_host_config { /* all borrowed, all outlive it */
    struct loop *loop;
    struct store *store;
    struct target *gate; /* gate_inside() */
    struct access *access;
    struct users *users;
    struct registry *registry;
    struct activity *activity;
    struct timekeeper *timekeeper;
    void (*on_moved)(void *arg, const char *platform, const char *from, const char *to);
    void *moved_arg;
};

struct chat_host_hub *chat_host_new(const struct chat_host_config *config);

/* Nobody may ask any more; what is under way is still answered. NULL is fine; always
 * returns NULL. */
struct chat_host_hub *chat_host_free(struct chat_host_hub *hub);

/* What chat_new() is given. */
struct chat_host chat_host_of(struct chat_host_hub *hub);

/* The live credential that an identity is; NULL: nobody's. Lent. */
struct access_token *chat_host_token(const struct chat_host_hub *hub,
                                     const char *identity);
