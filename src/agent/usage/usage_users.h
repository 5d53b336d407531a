/*
 * usage_users - who uses the processors and the memory, and who is logged in
 *
 * Two looks at all processes with a pause between; each is taken on the chores' thread.
 */
#pragma once

#include "wire/pb.h"

struct chores;
struct invocation;
struct loop;
struct usage_users;

struct usage_users_config {
    struct loop *loop;     /* borrowed: outlives it */
    struct chores *chores; /* borrowed: ends before it */
    const char *root;      /* where the host's "/" is seen; borrowed: outlives it */
};

/* Copies the config. */
struct usage_users *usage_users_new(const struct usage_users_config *config);

/* NULL is fine; always returns NULL. */
struct usage_users *usage_users_free(struct usage_users *users);

/* Answers a UsersUsageRequest. */
void usage_users_ask(struct usage_users *users,
                     struct invocation *invocation,
                     const ProtobufCMessage *message);
