/*
 * echo - the hub's UDP port, where datagrams of stability tests are sent back
 *
 * Which ones is the gate's matter (echo_gate.h).
 */
#pragma once

struct echo;
struct echo_gate;
struct loop;

/* Opens the port; when that fails it is logged, and there is an echo without a port. */
struct echo *echo_new(struct loop *loop, unsigned port);

/* Gives the port back, for another process; passes stay. */
void echo_release(struct echo *echo);

/* All passes are gone. NULL is fine; always returns NULL. */
struct echo *echo_free(struct echo *echo);

/* Lent. */
struct echo_gate *echo_passes(struct echo *echo);

/* 0: there is none. */
unsigned echo_port(const struct echo *echo);
