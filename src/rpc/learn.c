#include "rpc/learn.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "grpc/reflection_v1.pb-c.h"
#include "rpc/client.h"
#include "wire/headers.h"
#include "wire/schema.h"

enum {
    ASKED_MAX = 200,     /* files; more than any service needs */
    REPLY_MAX = 5 << 18, /* 1 MiB of descriptors and what is around them */
    NAME_MAX_LEN = 1024, /* of an import that is asked for */
};

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;

struct learn {
    struct learn_config config;
    struct headers metadata;
    struct client_call *client; /* owned */
    struct schema *schema;      /* owned */
    char *service;              /* owned */
    char *peer;                 /* owned; may be NULL */
    char *asked;                /* owned: the import that was asked for last; or NULL */
    unsigned count;             /* of files asked for */
    bool alpha;
};

static void destroy(struct learn *learn) {
    client_cancel(learn->client);
    schema_free(learn->schema);
    headers_done(&learn->metadata);
    free(learn->service);
    free(learn->peer);
    free(learn->asked);
    free(learn);
}

struct learn *learn_cancel(struct learn *learn) {
    if (learn)
        destroy(learn);
    return NULL;
}

static void finish(struct learn *learn, enum grpc_status status, const char *message) {
    struct learn_config config = learn->config;
    struct schema *schema = status == GRPC_OK ? TAKE(learn->schema) : NULL;
    auto_(mem_freep) char *why = mem_strdup(message);

    destroy(learn);
    config.on_learned(config.user, schema, status, why);
}

static void fail(struct learn *learn, enum grpc_status status, const char *what) {
    auto_(mem_freep) char *why = mem_printf("%s: %s", learn->service, what);
    finish(learn, status, why);
}

static void ask_for_service(struct learn *learn) {
    Request request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
    request.file_containing_symbol = learn->service;
    client_send(learn->client, &request.base);
}

/* Asks for a file that is imported and not here; false when none can be asked for. */
static bool ask_for_import(struct learn *learn) {
    Request request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    const char *missing = schema_missing_import(learn->schema);

    if (!missing || strlen(missing) > NAME_MAX_LEN || ++learn->count > ASKED_MAX ||
        (learn->asked && strcmp(learn->asked, missing) == 0))
        return false; /* linking tells whether a type needs it */
    free(learn->asked);
    learn->asked = mem_strdup(missing);
    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
    request.file_by_filename = learn->asked;
    client_send(learn->client, &request.base);
    return true;
}

static void link_types(struct learn *learn) {
    auto_(mem_freep) char *why = NULL;

    if (schema_link(learn->schema, &why) != 0)
        fail(learn, GRPC_INTERNAL, why ? why : "its description makes no sense");
    else if (!schema_service_find(learn->schema, learn->service))
        fail(learn, GRPC_INTERNAL, "its description does not hold it");
    else
        finish(learn, GRPC_OK, "");
}

static int add_files(struct learn *learn,
                     const Grpc__Reflection__V1__FileDescriptorResponse *files) {
    int r = 0;

    for (size_t i = 0; r == 0 && i < files->n_file_descriptor_proto; i++)
        r = schema_add_file(learn->schema, slice_of(files->file_descriptor_proto[i].data,
                                                    files->file_descriptor_proto[i].len));
    return r;
}

/* The server answered with an error, or with something else than files. */
static void take_error(struct learn *learn, const Response *response) {
    bool is_error =
        response->message_response_case ==
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    int code = is_error ? response->error_response->error_code : GRPC_INTERNAL;

    if (learn->asked)
        link_types(learn); /* perhaps no type needs that import */
    else if (code == GRPC_NOT_FOUND)
        fail(learn, GRPC_UNIMPLEMENTED, "it has no such service");
    else
        fail(learn, GRPC_INTERNAL, "it does not describe the service");
}

static void take_response(struct learn *learn, const Response *response) {
    if (response->message_response_case !=
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE) {
        take_error(learn, response);
        return;
    }
    int r = add_files(learn, response->file_descriptor_response);
    if (r == SCHEMA_E_TOO_BIG)
        fail(learn, GRPC_RESOURCE_EXHAUSTED, "its description is over 1 MiB");
    else if (r != 0)
        fail(learn, GRPC_INTERNAL, "its description is damaged");
    else if (!ask_for_import(learn))
        link_types(learn);
}

static void on_message(void *user, struct slice bytes) {
    struct learn *learn = user;
    ProtobufCMessage *message = NULL;

    if (pb_unpack(&grpc__reflection__v1__server_reflection_response__descriptor, bytes,
                  &message) != 0) {
        fail(learn, GRPC_INTERNAL, "its description is damaged");
        return;
    }
    take_response(learn, (const Response *)message);
    pb_free(message);
}

static void open_stream(struct learn *learn);

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct learn *learn = user;

    learn->client = NULL;
    if (status == GRPC_UNIMPLEMENTED && !learn->alpha) {
        learn->alpha = true;
        open_stream(learn);
    } else if (status == GRPC_UNIMPLEMENTED) {
        fail(learn, status,
             "its types are not known here: it is not served, or its server has no "
             "reflection");
    } else {
        finish(learn, status == GRPC_OK ? GRPC_INTERNAL : status,
               status == GRPC_OK ? "the reflection ended without an answer" : message);
    }
}

/* v1 and v1alpha have the same messages under different names. */
static void open_stream(struct learn *learn) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    struct client_request request = {
        .method = learn->alpha
                      ? "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
                      : "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        .metadata = &learn->metadata,
        .timeout_ms = LEARN_MS,
        .message_max = REPLY_MAX,
        .peer = learn->peer,
    };

    learn->client =
        client_start(learn->config.loop, learn->config.target, &request, &events, learn);
    ask_for_service(learn);
}

struct learn *learn_start(const struct learn_config *config) {
    struct learn *learn = mem_new(sizeof(*learn));

    *learn = (struct learn) {
        .config = *config,
        .schema = schema_new(),
        .service = mem_strdup(config->service),
        .peer = mem_strdup(config->peer),
    };
    headers_init(&learn->metadata);
    headers_add_all(&learn->metadata, config->metadata);
    open_stream(learn);
    return learn;
}
