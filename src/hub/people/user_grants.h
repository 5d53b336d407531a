/*
 * user_grants - who may do what on which nodes, and who may say so
 *
 * Three methods of roost.v1.Users. An owner gives and takes what is his: grants of
 * exactly the nodes that he owns, and for no longer than he owns them.
 */
#pragma once

#include <stdbool.h>

#include "roost/v1/users.pb-c.h"

struct invocation;

bool user_grants_is_role(Roost__V1__Role role);

/* Users.Grants, Grant and Revoke; service is a struct service_users. */
void user_grants_list(void *service,
                      struct invocation *invocation,
                      const ProtobufCMessage *message);
void user_grants_give(void *service,
                      struct invocation *invocation,
                      const ProtobufCMessage *message);
void user_grants_take(void *service,
                      struct invocation *invocation,
                      const ProtobufCMessage *message);
