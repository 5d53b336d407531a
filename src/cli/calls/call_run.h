/*
 * call_run - one call by hand: messages in, messages out, in the form that is wanted
 *
 * What comes is printed as it comes; what stands on standard input is sent as it is read.
 * An interrupt cancels the call.
 */
#pragma once

#include "cli/formats/form.h"
#include "wire/headers.h"
#include "wire/schema.h"

struct callee;
struct cli;

struct call_run {
    struct cli *cli;             /* borrowed: the caller */
    const struct callee *callee; /* borrowed: the caller; NULL: its types are ours */
    const char *node;            /* borrowed; NULL: none is asked for */
    const char *path;            /* borrowed: "/package.Service/Method" */
    const struct schema_method *method; /* borrowed: a schema */
    const struct headers *metadata;     /* borrowed: what -H gave; NULL: none */
    const char *json;                   /* borrowed; NULL: the file */
    const char *file;                   /* borrowed; "-": standard input */
    uint64_t deadline_ms;               /* 0: none */
    size_t message_max;                 /* of a reply */
    enum form form;
    bool older; /* prints as the older client did */
};

/* Runs it to its end: the exit status, 64 + the gRPC status when the call failed. */
int call_run(const struct call_run *run);
