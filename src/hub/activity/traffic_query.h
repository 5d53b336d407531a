/*
 * traffic_query - Activity/Traffic: how much was called
 *
 * Asks the store, and adds what is not written yet.
 */
#pragma once

#include "wire/pb.h"

struct invocation;
struct registry;
struct store;
struct traffic;

struct traffic_query_shared { /* all borrowed, all outlive it */
    struct traffic *traffic;
    struct store *store;
    struct registry *registry;
};

/* Answers the invocation, now or later. */
void traffic_query_run(const struct traffic_query_shared *shared,
                       struct invocation *invocation,
                       const ProtobufCMessage *request);
