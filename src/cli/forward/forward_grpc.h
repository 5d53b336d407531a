/*
 * forward_grpc - a local plaintext gRPC port that leads to a node
 *
 * Adds the node's name and the credential to each request, so that a client that knows
 * nothing of hubs works unchanged. What is no gRPC is answered with 415.
 */
#pragma once

struct address;
struct cli;
struct forward_grpc;

/* Listens and tells where: 0, or the exit status after telling why not. cli and node are
 * borrowed, outlive it. */
int forward_grpc_new(struct cli *cli,
                     const char *node,
                     const struct address *local,
                     struct forward_grpc **ret_forward);

/* The hub was lost: calls end UNAVAILABLE until it is back. */
void forward_grpc_pause(struct forward_grpc *forward);
void forward_grpc_resume(struct forward_grpc *forward);

/* NULL is fine; always returns NULL. */
struct forward_grpc *forward_grpc_free(struct forward_grpc *forward);
