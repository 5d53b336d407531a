/*
 * group_health - what members say of the health of their services
 *
 * Watches grpc.health.v1.Health of a service on a node while calls of a group ask for it,
 * and stops a minute after the last one did. Who does not answer, or does not know the
 * service, counts as serving: the call itself will tell.
 */
#pragma once

#include <stdbool.h>

struct group_health;
struct loop;
struct node;

enum {
    GROUP_HEALTH_MAX = 4096,      /* watched at the same time; others count as serving */
    GROUP_HEALTH_IDLE_MS = 60000, /* without a call */
    GROUP_HEALTH_RETRY_MS = 5000, /* after a watch ended */
};

/* loop is borrowed and outlives it. */
struct group_health *group_health_new(struct loop *loop);

/* Ends every watch. NULL is fine; always returns NULL. */
struct group_health *group_health_free(struct group_health *health);

/* May the service of the node, which has a session, be called? Watches it from now on. */
bool group_health_is_serving(struct group_health *health,
                             const struct node *node,
                             const char *service);
