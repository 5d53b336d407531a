/*
 * user_message - a user as a message
 */
#pragma once

#include "google/protobuf/timestamp.pb-c.h"
#include "roost/v1/users.pb-c.h"

struct access;
struct users_grant;
struct users_row;

struct user_grant_message {
    Roost__V1__Grant grant;
    Google__Protobuf__Timestamp expires;
    Google__Protobuf__Timestamp created;
};

/* Borrows the user's texts. */
struct user_message {
    Roost__V1__User user;
    Google__Protobuf__Timestamp created;
    Google__Protobuf__Timestamp seen;
    struct user_grant_message *grants; /* owned */
    char **identities;                 /* owned, with its texts */
};

void user_message_init(struct user_message *message,
                       const struct users_row *row,
                       const struct access *access);
void user_message_done(struct user_message *message);

/* One grant of the user of that name. */
void user_message_grant_init(struct user_grant_message *message,
                             const char *user,
                             const struct users_grant *grant);
