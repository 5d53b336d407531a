/*
 * service_tests - what is tested between a node and this hub: two methods of Probe
 *
 * SpeedTest and Stability are asked of a node, but an agent cannot call its hub, so that
 * the gate leads them here, with the node's name as `roost-node`, once it has found that
 * the caller may. A SpeedTest of a URL is the node's own matter and passed on to it.
 */
#pragma once

struct echo;
struct loop;
struct painters;
struct registry;
struct service_tests;
struct target;

struct service_tests_config { /* all borrowed, all outlive it */
    struct loop *loop;
    struct registry *registry;
    struct echo *echo;
    struct painters *painters;
    const char *udp_host; /* NULL: agents know by their link where the echo is */
};

struct service_tests *service_tests_new(const struct service_tests_config *config);

/* Where the gate leads those methods. Lent. */
struct target *service_tests_target(struct service_tests *service);

/* Another hub takes over: callers hear UNAVAILABLE and may attach there to tests that
 * agents go on with. */
void service_tests_stop(struct service_tests *service);

/* After the last call. NULL is fine; always returns NULL. */
struct service_tests *service_tests_free(struct service_tests *service);
