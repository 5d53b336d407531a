/*
 * probe_tcp - Probe.Tcp: how long a name and a connection take
 */
#pragma once

#include "wire/pb.h"

struct invocation;

/* The handler; arg: the probes. */
void probe_tcp(void *arg, struct invocation *invocation, const ProtobufCMessage *request);
