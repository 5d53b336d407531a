/*
 * probe_ping - Probe.Ping: echoes of ICMP, reported one by one as they come back
 */
#pragma once

#include "wire/pb.h"

struct invocation;

/* The handler; arg: the probes. */
void probe_ping(void *arg,
                struct invocation *invocation,
                const ProtobufCMessage *request);
