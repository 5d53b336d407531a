#include "hub/people/token_message.h"

#include "hub/people/access.h"
#include "rpc/actor.h"
#include "wire/timestamp.h"

void token_message_init(struct token_message *message, const struct access_token *token) {
    Roost__V1__Token *out = &message->token;

    roost__v1__token__init(out);
    out->id = (char *)token->id;
    out->kind = (Roost__V1__TokenKind)token->kind;
    out->name = token->name;
    out->created = timestamp_set(&message->created, token->created_ms);
    out->expires = timestamp_set(&message->expires, token->expires_ms);
    out->last_used = timestamp_set(&message->used, token->used_ms);
    out->reusable = token->reusable;
    out->used = token->used;
    out->revoked = token->revoked;
    out->admin = token->rights ? token->rights->admin : token->admin;
    out->user = token->user;
    out->device = token->device;
    out->role = (Roost__V1__Role)token->role;
    out->nodes = token->nodes;
    while (token->nodes[out->n_nodes])
        out->n_nodes++;
}
