/*
 * service_users_private - what the files of roost.v1.Users share
 */
#pragma once

#include "hub/people/service_users.h"

struct service_users {
    struct service_users_config config;
};
