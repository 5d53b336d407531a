/*
 * probe_speed - Probe.SpeedTest of a URL: how fast this host fetches from a server
 *
 * Without a URL the hub does the test (service_transfer.h).
 */
#pragma once

#include "wire/pb.h"

struct invocation;

/* arg: the probes. */
void probe_speed(void *arg,
                 struct invocation *invocation,
                 const ProtobufCMessage *request);
