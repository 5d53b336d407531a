/*
 * speed_test - one Probe.SpeedTest between a node and this hub
 *
 * The hub drives it by the node's Transfer: round trips while the link is idle, bytes to
 * the node, bytes from it, and round trips beside both. Rates are counted where bytes
 * arrive. All of it has the least weight on the link, so that other calls go on.
 *
 *   IDLE --answers--> DOWNLOAD --time, bytes--> UPLOAD --time, bytes--> done
 */
#pragma once

#include "base/list.h"
#include "roost/v1/probe.pb-c.h"

struct invocation;
struct loop;
struct node;
struct registry;

enum { SPEED_TEST_MAX = 4 }; /* at the same time: they shall not measure each other */

/* What they share: zero it, init the list. */
struct speed_tests {
    struct loop *loop;         /* borrowed: outlives them */
    struct registry *registry; /* borrowed: outlives them */
    struct list running;
};

/* Answers the invocation with reports; ends when the caller goes. */
void speed_test_start(struct speed_tests *tests,
                      struct invocation *invocation,
                      const struct node *node,
                      const Roost__V1__SpeedTestRequest *request);
