/*
 * probe_diagnose - Probe.Diagnose: what the host is made of and what is wrong with it
 *
 * Looked at on a thread of its own; one at a time.
 */
#pragma once

#include "wire/pb.h"

struct invocation;

/* The handler; arg: the probes. */
void probe_diagnose(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *request);
