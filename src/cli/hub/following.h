/*
 * following - a stream of the hub that is shown until it ends, or until nobody reads
 */
#pragma once

#include "wire/pb.h"

struct cli;

struct following_config { /* all borrowed */
    const char *name;     /* of the command, for what is told of a failure */
    const char *method;
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *type; /* of what comes */
    /* Shows one: 0, or the exit status that ends it. */
    int (*show)(void *arg, const ProtobufCMessage *message);
    void *arg;
};

/* Follows on the session that there is: the exit status, after telling what failed. */
int following_run(struct cli *cli, const struct following_config *config);
