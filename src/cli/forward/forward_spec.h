/*
 * forward_spec - what `roost forward` is asked for: where it listens, and what is there
 *
 *   HOST:PORT   PORT:HOST:PORT   ADDR:PORT:HOST:PORT   PORT (of the node itself)
 */
#pragma once

#include <stdbool.h>

#include "base/address.h"

struct forward_spec {
    struct address local; /* its port is 0: any */
    struct address to;
    bool chose_port; /* whoever wrote it wants this local port and no other */
};

/* 0, or -EINVAL and *ret_why (static). */
int forward_spec_parse(const char *text,
                       struct forward_spec *ret_spec,
                       const char **ret_why);

/* "[ADDR:]PORT", where a gRPC port listens. */
int forward_spec_parse_local(const char *text,
                             struct address *ret_local,
                             const char **ret_why);
