/*
 * act_tell - how each deed of an act went, told as it ends
 *
 * A line for each, or with --json an object, gathered into an array that is printed at
 * the end. What failed is explained on standard error in both cases.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "wire/grpc.h"
#include "wire/pb.h"

struct act_deed;
struct act_plan;
struct cli;

struct act_tell {
    struct cli *cli;             /* borrowed: the command */
    const struct act_plan *plan; /* borrowed: the caller's */
    struct buf json;             /* the array so far */
};

/* The end of one deed; all borrowed. */
struct act_outcome {
    const struct act_deed *deed;
    const char *operation_id;      /* NULL: it has none */
    const ProtobufCMessage *reply; /* when the status is GRPC_OK */
    enum grpc_status status;
    const char *message;
    bool unclear; /* it was asked, and perhaps heard, without an answer */
};

/* Tells it: the exit status of the deed. */
int act_tell(struct act_tell *tell, const struct act_outcome *outcome);

/* Prints the array, if there is one. */
void act_tell_done(struct act_tell *tell);
