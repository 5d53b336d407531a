/*
 * turn_types - the types of the methods of our own API, by path
 */
#pragma once

#include "wire/pb.h"

/* "/roost.v1.Nodes/List"; NULL: it is not compiled in. */
const ProtobufCMethodDescriptor *turn_types_find(const char *method);
