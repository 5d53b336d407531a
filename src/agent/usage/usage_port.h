/*
 * usage_port - TCP ports that nobody listens on
 */
#pragma once

#include <stdint.h>

/*
 * A port from first to last that could be bound on every address a moment ago, or with
 * 0, 0 one that the kernel chooses: 0 and *ret_port, -EADDRINUSE when all are taken,
 * -EACCES when what is free needs a right that the agent has not, or -errno.
 */
int usage_port_find(uint16_t first, uint16_t last, uint16_t *ret_port);
