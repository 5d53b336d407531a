/*
 * call_run - one call by `roost call`: JSON objects in, JSON objects out
 */
#pragma once

#include "wire/headers.h"
#include "wire/schema.h"

struct cli;

struct call_run {
    struct cli *cli;                    /* borrowed: the caller */
    const char *node;                   /* borrowed; NULL: the hub itself */
    const char *path;                   /* borrowed: "/package.Service/Method" */
    const struct schema_method *method; /* borrowed: a schema */
    const struct headers *metadata;     /* borrowed: what -H gave */
    const char *json;                   /* borrowed; NULL: the file */
    const char *file;                   /* borrowed; "-": standard input */
    uint64_t deadline_ms;               /* 0: none */
    bool yaml;
};

/* Runs it to its end: the exit status, 64 + the gRPC status when the call failed. */
int call_run(const struct call_run *run);
