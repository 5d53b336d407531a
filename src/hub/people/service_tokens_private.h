/*
 * service_tokens_private - what the files of roost.v1.Tokens share
 */
#pragma once

#include "hub/people/service_tokens.h"

struct service_tokens {
    struct service_tokens_config config;
};
