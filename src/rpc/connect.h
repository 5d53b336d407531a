/*
 * connect - the API as JSON over HTTP POST
 *
 * The Connect protocol for unary and server-streaming methods, so that curl and a browser
 * need no second API: POST /package.Service/Method with "application/json", or
 * "application/connect+json" for streams in envelopes; a stream asked for with plain
 * "application/json" comes as one JSON object a line. Errors are {"code", "message"} with
 * the HTTP status of the code.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "rpc/services.h"
#include "wire/pb.h"
#include "wire/pbjson.h"

struct exchange;
struct loop;
struct target;

/* What is needed of a method to call it by JSON. */
struct connect_types {
    enum service_kind kind;
    const ProtobufCMessageDescriptor *input;
    const ProtobufCMessageDescriptor *output;
    struct pbjson_types any;
};

struct connect_request;

struct connect_config {
    struct loop *loop;     /* borrowed: outlives the requests */
    struct target *target; /* borrowed: where calls go (the gate) */
    size_t message_max;    /* of a request's body */
    /* The types of a method: false when it is unknown. */
    bool (*find)(void *arg,
                 const char *path,
                 enum service_kind *ret_kind,
                 const ProtobufCMethodDescriptor **ret_types);
    /*
     * Learns the types of a method that find() does not know, on behalf of whoever asks:
     * connect_learned() follows, never from inside it. NULL: nobody could tell. What it
     * returns keeps the types until forget(), which may come at any time. May be NULL.
     */
    void *(*learn)(void *arg,
                   const struct exchange *exchange,
                   struct connect_request *request);
    void (*forget)(void *arg, void *lesson);
    void *arg;
};

/* Takes the exchange and answers it. config is borrowed until then. */
void connect_serve(const struct connect_config *config, struct exchange *exchange);

/* The answer to learn(): types (copied), or why not when status is not GRPC_OK. The
 * lesson may be gone afterwards. */
void connect_learned(struct connect_request *request,
                     const struct connect_types *types,
                     enum grpc_status status,
                     const char *message);

/* Answers with an error in Connect's form and releases the exchange. */
void connect_refuse(struct exchange *exchange,
                    unsigned http_status,
                    enum grpc_status status,
                    const char *message);
