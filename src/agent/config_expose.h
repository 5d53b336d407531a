/*
 * config_expose - what the agent's settings say of one back end, "[expose NAME]"
 */
#pragma once

#include "base/settings.h"

enum { CONFIG_EXPOSE_MAX = 32 };

struct config_expose {
    char *address; /* owned, as every pointer here; "HOST:PORT" or "unix:/PATH" */
    bool tls;
    char *ca;          /* a file; NULL: the system's CAs, unless there is a pin */
    char *pin;         /* or NULL */
    char *server_name; /* NULL: the address's host */
    struct settings_list services;
    char *descriptors; /* a file, or NULL */
};

extern const struct settings_table config_expose_table;

/* NULL: these values (a struct config_expose) can be; else why not. */
const char *config_expose_check(const void *values);

/* NULL: a back end can be there; else why not. */
const char *config_expose_check_address(const char *text);
