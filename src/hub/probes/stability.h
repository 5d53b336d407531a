/*
 * stability - one Probe.Stability of a node, and who is told of it
 *
 * The agent runs the test (its Transfer.Datagrams); the hub gives it a pass of the echo,
 * collects its answers, attaches again when the link was away, and makes figures of them
 * for any number of callers, who may leave and come back. Results are kept for an hour,
 * on both ends: a hub that was restarted asks the agent for a test that it does not know.
 *
 *   fed by the agent <-> the link is away --done--> kept, an hour --> gone
 */
#pragma once

#include <stdbool.h>

#include "base/list.h"
#include "roost/v1/probe.pb-c.h"

struct echo;
struct invocation;
struct loop;
struct node;
struct painters;
struct registry;
struct stability;

enum {
    STABILITY_RUNNING_MAX = 32, /* at the same time, of all nodes */
    STABILITY_KEPT_MAX = 64,    /* with the results: 256 MiB of the longest */
    STABILITY_COUNT_MAX = 1000000,
    STABILITY_OUTAGE_MS = 3000, /* a silence that is told as an outage */
    STABILITY_INTERVAL_MIN_MS = 10,
    STABILITY_INTERVAL_MAX_MS = 10000,
    STABILITY_BYTES_MIN = 32, /* of a datagram */
    STABILITY_BYTES_MAX = 1400,
};

/* What they share: zero it, init the list. All pointers are borrowed and outlive them. */
struct stabilities {
    struct loop *loop;
    struct registry *registry;
    struct echo *echo;
    struct painters *painters;
    const char *udp_host; /* "": agents know by their link */
    struct list tests;    /* owned: the oldest first */
};

/* Answers the invocation with reports of a new test, or of the one that it names. */
void stability_serve(struct stabilities *tests,
                     struct invocation *invocation,
                     const struct node *node,
                     const Roost__V1__StabilityRequest *request);

/* Forgets them all; who listens hears UNAVAILABLE, with why. Agents go on. */
void stability_forget_all(struct stabilities *tests, const char *why);
