/*
 * probe_dns - Probe.Dns: one question to one name server, and what it says
 *
 * By UDP from a random port with a random id, again by TCP when the answer was cut. What
 * does not answer this question is not listened to.
 */
#pragma once

#include "wire/pb.h"

struct invocation;

/* The handler; arg: the probes. */
void probe_dns(void *arg, struct invocation *invocation, const ProtobufCMessage *request);
