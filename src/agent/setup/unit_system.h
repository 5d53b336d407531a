/*
 * unit_system - the systemd unit of the agent for the whole host
 *
 * packaging/systemd/system/roost-agent.service.in, put in at build time.
 */
#pragma once

#include <stddef.h>

extern const unsigned char unit_system_data[];
extern const size_t unit_system_len;
