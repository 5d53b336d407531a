/*
 * pending_token - a new token that is being kept
 *
 * It lets in, and is shown, when it is durable; who asked may have gone by then.
 */
#pragma once

#include "base/token.h"
#include "wire/grpc.h"
#include "wire/pb.h"

struct access_token;
struct invocation;

struct pending_token {
    struct invocation *invocation; /* borrowed: until it is gone; NULL: nobody waits */
    struct access_token *token;    /* owned until it is taken */
    char secret[TOKEN_LEN + 1];
};

/* Takes the token and makes its secret. */
void pending_token_init(struct pending_token *pending,
                        struct invocation *invocation,
                        struct access_token *token);

void pending_token_done(struct pending_token *pending);

/* Answers whoever waits. */
void pending_token_reply(struct pending_token *pending, const ProtobufCMessage *message);
void pending_token_fail(struct pending_token *pending,
                        enum grpc_status status,
                        const char *why);
