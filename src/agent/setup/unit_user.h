/*
 * unit_user - the systemd unit of the agent for one user
 *
 * packaging/systemd/user/roost-agent.service.in, put in at build time.
 */
#pragma once

#include <stddef.h>

extern const unsigned char unit_user_data[];
extern const size_t unit_user_len;
