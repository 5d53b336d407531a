/*
 * probe_http - Probe.Http: what a web server answers, how fast, and its certificate
 */
#pragma once

#include "wire/pb.h"

struct invocation;

/* The handler; arg: the probes. */
void probe_http(void *arg,
                struct invocation *invocation,
                const ProtobufCMessage *request);
