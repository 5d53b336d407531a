/*
 * call_details - what a failed call says beside its status
 *
 * The trailer grpc-status-details-bin holds a google.rpc.Status whose details are
 * messages of any type: those of google.rpc, and those that the callee described, are
 * shown; of others the name.
 */
#pragma once

#include "wire/pb.h"

struct callee;
struct headers;

/* Tells the details, one a line on standard error; callee may be NULL. What is damaged is
 * passed over: the failure itself is told already. */
void call_details_tell(const struct callee *callee, const struct headers *trailers);

/* The type of a name: of the callee (a struct callee, or NULL), of google.rpc, or NULL.
 * For struct pbjson_types. */
const ProtobufCMessageDescriptor *call_details_find(void *callee, const char *name);
