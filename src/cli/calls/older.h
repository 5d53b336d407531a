/*
 * older - the verbs of the older client
 *
 * Its types are ours, so no reflection is asked. Where they go: the server of -s or
 * SERVER_ADDR, in plain HTTP/2; else the hub of the profile; without one, localhost:9090
 * as ever. Output is as the older client's. Its --jwt-key is left out.
 */
#pragma once

#include "cli/calls/direct.h"
#include "wire/schema.h"

struct cli;

/* Rows of options that all of them have. */
#define OLDER_OPTIONS                                                                    \
    DIRECT_OPTIONS_OLDER,                                                                \
        { "request-file", 'f', "FILE",                                                   \
          "the request: JSON, .yaml or .xml; - is standard input" },                     \
        { "print-sample-request", 'p', NULL, "print a request instead of calling" }, {   \
        "response-format", 'o', "FORM", "of replies: json, prettyjson, yaml or xml"      \
    }

/* One of them. */
struct older {
    const char *path; /* "/internal.Hub/ListClients" */
    struct schema_method method;
};

/* Calls it; the first operand, if any, is the node: the exit status. */
int older_run(struct cli *cli, const struct older *older);
