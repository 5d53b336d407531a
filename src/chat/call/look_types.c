#include "chat/call/look_types.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "grpc/reflection_v1.pb-c.h"
#include "rpc/descriptors.h"
#include "wire/schema.h"

enum {
    FILES_MAX = 200, /* more than any service needs */
    NAMES_MAX = 500,
    NAME_MAX_LEN = 256,
};

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;

static void on_answer(struct turn *turn,
                      void *arg,
                      enum grpc_status status,
                      const char *message,
                      struct slice reply);

static void finish(struct turn *turn,
                   struct look_types *types,
                   enum grpc_status status,
                   const char *message) {
    types->on_known(turn, types, status, message);
}

static void ask(struct turn *turn, struct look_types *types, const Request *request) {
    struct buf bytes = { 0 };

    pb_pack(&bytes, &request->base);
    turn_call_bytes(turn, types->node,
                    types->is_alpha
                        ? "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
                        : "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                    buf_slice(&bytes), on_answer, types);
    buf_done(&bytes);
}

/* The next question: the list, the service's file, or an import. */
static void ask_next(struct turn *turn, struct look_types *types) {
    Request request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    if (!types->service) {
        request.message_request_case =
            GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
        request.list_services = "*";
    } else if (types->asked) {
        request.message_request_case =
            GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
        request.file_by_filename = types->asked;
    } else {
        request.message_request_case =
            GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
        request.file_containing_symbol = types->service;
    }
    ask(turn, types, &request);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void take_names(struct turn *turn,
                       struct look_types *types,
                       const Response *response) {
    if (response->message_response_case !=
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE) {
        finish(turn, types, GRPC_INTERNAL,
               turn_say(turn, "it does not list its services"));
        return;
    }
    const Grpc__Reflection__V1__ListServiceResponse *list =
        response->list_services_response;
    types->names = mem_new_array(list->n_service + 1, sizeof(char *));
    for (size_t i = 0; i < list->n_service && types->count < NAMES_MAX; i++)
        if (strlen(list->service[i]->name) <= NAME_MAX_LEN)
            types->names[types->count++] = mem_strdup(list->service[i]->name);
    qsort(types->names, types->count, sizeof(char *), by_name);
    finish(turn, types, GRPC_OK, "");
}

static void link_types(struct turn *turn, struct look_types *types) {
    char *why = NULL;
    int r = schema_link(types->schema, &why);

    if (r != 0)
        finish(turn, types, GRPC_INTERNAL, why ? why : "");
    else if (!schema_service_find(types->schema, types->service))
        finish(turn, types, GRPC_NOT_FOUND, turn_say(turn, "there is no such service"));
    else
        finish(turn, types, GRPC_OK, "");
    free(why);
}

/* Adds the files of an answer; false when there are none, or they are damaged. */
static bool add_files(struct look_types *types, const Response *response) {
    if (response->message_response_case !=
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE)
        return false;
    const Grpc__Reflection__V1__FileDescriptorResponse *files =
        response->file_descriptor_response;
    for (size_t i = 0; i < files->n_file_descriptor_proto; i++) {
        const ProtobufCBinaryData *file = &files->file_descriptor_proto[i];
        if (schema_add_file(types->schema, slice_of(file->data, file->len)) != 0)
            return false;
    }
    return true;
}

static void take_files(struct turn *turn,
                       struct look_types *types,
                       const Response *response) {
    bool is_first = !types->asked;

    if (!add_files(types, response) && is_first) {
        finish(turn, types, GRPC_NOT_FOUND, turn_say(turn, "there is no such service"));
        return;
    }
    const char *missing = schema_missing_import(types->schema);
    bool is_same = missing && types->asked && strcmp(missing, types->asked) == 0;
    if (!missing || is_same || ++types->files > FILES_MAX) {
        link_types(turn, types); /* perhaps no type needs what is missing */
        return;
    }
    free(types->asked);
    types->asked = mem_strdup(missing);
    ask_next(turn, types);
}

static void on_answer(struct turn *turn,
                      void *arg,
                      enum grpc_status status,
                      const char *message,
                      struct slice reply) {
    struct look_types *types = arg;
    ProtobufCMessage *response = NULL;

    if (status == GRPC_UNIMPLEMENTED && !types->is_alpha) {
        types->is_alpha = true;
        ask_next(turn, types);
        return;
    }
    if (status == GRPC_OK &&
        pb_unpack(&grpc__reflection__v1__server_reflection_response__descriptor, reply,
                  &response) != 0) {
        status = GRPC_INTERNAL;
        message = turn_say(turn, "its answer about itself makes no sense");
    }
    if (status != GRPC_OK)
        finish(turn, types, status, message);
    else if (types->service)
        take_files(turn, types, (const Response *)response);
    else
        take_names(turn, types, (const Response *)response);
    pb_free(response);
}

static void link_own(struct turn *turn, void *arg) {
    struct look_types *types = arg;

    if (schema_add_set(types->schema, slice_of(descriptors_data, descriptors_len)) != 0)
        finish(turn, types, GRPC_INTERNAL, "");
    else
        link_types(turn, types);
}

void look_types_ask(struct look_types *types,
                    struct turn *turn,
                    const char *node,
                    const char *service,
                    void (*on_known)(struct turn *turn,
                                     struct look_types *types,
                                     enum grpc_status status,
                                     const char *message)) {
    static const char ours[] = "roost.v1.";

    look_types_done(types);
    types->node = node;
    types->service = mem_strdup(service);
    types->on_known = on_known;
    types->schema = service ? schema_new() : NULL;
    if (service && strncmp(service, ours, sizeof(ours) - 1) == 0)
        turn_later(turn, 0, link_own, types);
    else
        ask_next(turn, types);
}

void look_types_done(struct look_types *types) {
    for (size_t i = 0; i < types->count; i++)
        free(types->names[i]);
    free(types->names);
    free(types->service);
    free(types->asked);
    schema_free(types->schema);
    *types = (struct look_types) { 0 };
}
