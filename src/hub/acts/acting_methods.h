/*
 * acting_methods - the methods of nodes that do something to their host
 *
 * A table and nothing else: each call of these is an activity; those that can do harm may
 * need a second person's word.
 */
#pragma once

#include <stdbool.h>

#include "wire/pb.h"

struct acting_method {
    const char *method; /* "/pkg.Service/Method" */
    const char *verb;   /* of the host's policy */
    bool is_harmful;    /* ends or changes what runs there */
    const ProtobufCServiceDescriptor *service;
};

/* The row of the method; NULL: it does not act. */
const struct acting_method *acting_methods_find(const char *method);

/* The type of its request; NULL: it is not known. */
const ProtobufCMessageDescriptor *acting_methods_request(const struct acting_method *row);
