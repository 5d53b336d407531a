/*
 * token_message - a token as a message
 */
#pragma once

#include "roost/v1/tokens.pb-c.h"

struct access_token;

/* Borrows the strings of the token. */
struct token_message {
    Roost__V1__Token token;
    Google__Protobuf__Timestamp created;
    Google__Protobuf__Timestamp expires;
    Google__Protobuf__Timestamp used;
};

void token_message_init(struct token_message *message, const struct access_token *token);
