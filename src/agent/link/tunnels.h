/*
 * tunnels - TCP connections that the hub asks for
 *
 * A target for calls that are tunnels: resolves what was asked for, keeps the addresses
 * that the policy allows, dials these and no others, and joins the connection to the
 * call. A tunnel lives as long as both of its ends and the link do.
 */
#pragma once

#include <stddef.h>

struct loop;
struct policy;
struct target;
struct tunnels;

/* The policy is borrowed, outlives them; tunnels_max: at the same time. */
struct tunnels *tunnels_new(struct loop *loop, struct policy *policy, size_t tunnels_max);

/* Another tunnels_max, for tunnels to come. */
void tunnels_limit(struct tunnels *tunnels, size_t tunnels_max);

/* Cuts every tunnel. NULL is fine; always returns NULL. */
struct tunnels *tunnels_free(struct tunnels *tunnels);

/* Lent, lives as long as the tunnels. */
struct target *tunnels_target(struct tunnels *tunnels);

/* Tunnels that are being opened or are open. */
size_t tunnels_count(const struct tunnels *tunnels);
