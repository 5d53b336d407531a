#include "hub/people/user_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/people/access.h"
#include "hub/people/users.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

void user_message_grant_init(struct user_grant_message *message,
                             const char *user,
                             const struct users_grant *grant) {
    Roost__V1__Grant *out = &message->grant;

    roost__v1__grant__init(out);
    out->user = pb_lend(user);
    out->nodes = grant->nodes;
    out->role = (Roost__V1__Role)grant->role;
    out->granted_by = grant->granted_by;
    out->expires = timestamp_set(&message->expires, grant->expires_ms);
    out->created = timestamp_set(&message->created, grant->created_ms);
}

/* Each credential by where it is. */
static void add_identities(struct user_message *message,
                           const struct users_row *row,
                           const struct access *access) {
    const struct access_token *token;
    int64_t seen_ms = 0;
    size_t at = 0;

    while ((token = access_next(access, &at))) {
        if (token->revoked || strcmp(token->user, row->name) != 0)
            continue;
        message->identities = mem_grow(message->identities,
                                       (message->user.n_identities + 1) * sizeof(char *));
        message->identities[message->user.n_identities++] =
            mem_printf("%s%s", strchr(token->device, ':') ? "" : "cli:",
                       token->device[0] ? token->device : token->id);
        if (token->used_ms > seen_ms)
            seen_ms = token->used_ms;
    }
    message->user.identities = message->identities;
    message->user.last_seen = timestamp_set(&message->seen, seen_ms);
}

void user_message_init(struct user_message *message,
                       const struct users_row *row,
                       const struct access *access) {
    *message = (struct user_message) { 0 };
    roost__v1__user__init(&message->user);
    message->user.name = row->name;
    message->user.admin = row->admin;
    message->user.created = timestamp_set(&message->created, row->created_ms);
    message->grants = mem_new_array(row->grant_count + 1, sizeof(*message->grants));
    message->user.grants =
        mem_new_array(row->grant_count + 1, sizeof(Roost__V1__Grant *));
    message->user.n_grants = row->grant_count;
    for (size_t i = 0; i < row->grant_count; i++) {
        user_message_grant_init(&message->grants[i], row->name, &row->grants[i]);
        message->user.grants[i] = &message->grants[i].grant;
    }
    add_identities(message, row, access);
}

void user_message_done(struct user_message *message) {
    for (size_t i = 0; i < message->user.n_identities; i++)
        free(message->identities[i]);
    free(message->identities);
    free(message->user.grants);
    free(message->grants);
}
