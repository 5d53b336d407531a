/*
 * service_transfer - roost.v1.Transfer of this agent: for its hub's tests alone
 *
 * Bytes that are taken, given and sent back, to see how fast the link is; datagrams to
 * the hub's echo (datagrams.h). The hub is allowed to do this unless a line of the
 * policy denies it (verb probe, with the hub's address as the object).
 */
#pragma once

struct acts;
struct loop;
struct policy;
struct service_transfer;
struct services;

struct service_transfer_config {
    struct loop *loop;     /* borrowed: outlives it, and so do the others */
    struct acts *acts;     /* borrowed */
    struct policy *policy; /* borrowed */
    unsigned udp_port;     /* of the hub's echo; 0: as the hub says */
};

/* Adds the service. */
struct service_transfer *service_transfer_new(
    struct services *services, const struct service_transfer_config *config);

/* The agent stops: tests end, and what tells of them. */
void service_transfer_stop(struct service_transfer *service);

/* After the last call. NULL is fine; always returns NULL. */
struct service_transfer *service_transfer_free(struct service_transfer *service);
