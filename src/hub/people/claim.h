/*
 * claim - coming in by a code: the hub's own, or one that a user was given
 *
 * A code works once. Guessing is slowed by where the guesses come from, and a code is
 * used up in the store before its token is shown.
 */
#pragma once

#include "wire/pb.h"

struct invocation;

/* Tokens.Claim; service is a struct service_tokens. */
void claim_take(void *service,
                struct invocation *invocation,
                const ProtobufCMessage *message);
