/*
 * services - gRPC services that are served here
 *
 * A table of methods over protobuf-c's service descriptors. A handler gets whole, checked
 * messages and answers through the invocation; framing, compression, limits, half-closes
 * and back-pressure are done here. A set of services is a target like any other.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "wire/grpc.h"
#include "wire/pb.h"

struct call;
struct invocation;
struct loop;
struct services;
struct target;

enum service_kind {
    SERVICE_UNARY,
    SERVICE_SERVER_STREAM,
    SERVICE_CLIENT_STREAM,
    SERVICE_BIDI
};

struct service_method {
    const char *name; /* as in the descriptor: "List" */
    enum service_kind kind;
    /*
     * Called with the one request of a unary or server-streaming call, else with each
     * message and at last with NULL when the caller has said all. The message is lent for
     * the call.
     */
    void (*handle)(void *arg,
                   struct invocation *invocation,
                   const ProtobufCMessage *request);
};

struct service {
    const ProtobufCServiceDescriptor *descriptor;
    const struct service_method *methods; /* borrowed: static; ends with a NULL name */
    void *arg;                            /* borrowed: outlives the set */
    bool yields;                          /* to one of that name that is elsewhere */
};

/* Makes an empty set; message_max is the largest request, packed and unpacked. */
struct services *services_new(size_t message_max);
struct services *services_free(struct services *services);

/* Ends every stream at once with UNAVAILABLE, and so each that is asked for later; unary
 * calls are still answered, and streams that linger go on. */
void services_stop(struct services *services);

/* Another message_max, for calls to come. */
void services_limit(struct services *services, size_t message_max);

/* Adds a service; copies the struct. Asserts that the table fits the descriptor. */
void services_add(struct services *services, const struct service *service);

/* The set as a target. Lent. A method that is not there ends with UNIMPLEMENTED. */
struct target *services_target(struct services *services);

bool services_has(const struct services *services, const char *service_name);

/* Is it here, and does not yield? */
bool services_keeps(const struct services *services, const char *service_name);

/* Walks the services from i = 0; NULL at the end. */
const struct service *services_at(const struct services *services, size_t i);

/* The method's kind and types: false when it is not served here. path is
 * "/package.Service/Method". */
bool services_find(const struct services *services,
                   const char *path,
                   enum service_kind *ret_kind,
                   const ProtobufCMethodDescriptor **ret_types);
