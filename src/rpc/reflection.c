#include "rpc/reflection.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "grpc/reflection_v1.pb-c.h"
#include "grpc/reflection_v1alpha.pb-c.h"
#include "rpc/descriptors.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/grpc.h"
#include "wire/pb.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;

/* v1alpha is the same text in another package, so one implementation serves both. */
static_assert(sizeof(Request) ==
                      sizeof(Grpc__Reflection__V1alpha__ServerReflectionRequest) &&
                  offsetof(Request, file_by_filename) ==
                      offsetof(Grpc__Reflection__V1alpha__ServerReflectionRequest,
                               file_by_filename),
              "reflection v1 and v1alpha have one shape");

struct reflection {
    const struct services *services;        /* borrowed: outlives us */
    const struct reflection_others *others; /* borrowed: outlives us; or NULL */
};

typedef Google__Protobuf__FileDescriptorSet FileSet;
typedef Google__Protobuf__FileDescriptorProto File;

static File *find_file(const FileSet *set, const char *name) {
    for (size_t i = 0; i < set->n_file; i++)
        if (strcmp(set->file[i]->name, name) == 0)
            return set->file[i];
    return NULL;
}

/* Takes "package." off the symbol; NULL when it is of another package. */
static const char *without_package(const char *symbol, const char *package) {
    size_t len = package ? strlen(package) : 0;

    if (len == 0)
        return symbol;
    return strncmp(symbol, package, len) == 0 && symbol[len] == '.' ? symbol + len + 1
                                                                    : NULL;
}

/* Is the symbol this name, or something inside it ("Message.Nested", "Service.Method")?
 */
static bool is_within(const char *symbol, const char *name) {
    size_t len = strlen(name);
    return strncmp(symbol, name, len) == 0 && (symbol[len] == '\0' || symbol[len] == '.');
}

static bool declares(const File *file, const char *symbol) {
    const char *local = without_package(symbol, file->package);

    if (!local)
        return false;
    for (size_t i = 0; i < file->n_message_type; i++)
        if (is_within(local, file->message_type[i]->name))
            return true;
    for (size_t i = 0; i < file->n_enum_type; i++)
        if (is_within(local, file->enum_type[i]->name))
            return true;
    for (size_t i = 0; i < file->n_service; i++)
        if (is_within(local, file->service[i]->name))
            return true;
    return false;
}

static File *find_symbol(const FileSet *set, const char *symbol) {
    for (size_t i = 0; i < set->n_file; i++)
        if (declares(set->file[i], symbol))
            return set->file[i];
    return NULL;
}

/* The file and all that it imports, each once. */
struct closure {
    File **files; /* owned array of borrowed files */
    size_t count;
};

static void add_file(const FileSet *set, struct closure *closure, File *first) {
    closure->files = mem_new_array(set->n_file, sizeof(*closure->files));
    closure->files[closure->count++] = first;
    for (size_t at = 0; at < closure->count; at++) {
        for (size_t i = 0; i < closure->files[at]->n_dependency; i++) {
            File *file = find_file(set, closure->files[at]->dependency[i]);
            bool known = !file;
            for (size_t k = 0; k < closure->count && !known; k++)
                known = closure->files[k] == file;
            if (!known)
                closure->files[closure->count++] = file;
        }
    }
}

static void send_error(struct invocation *invocation,
                       Response *response,
                       enum grpc_status status,
                       const char *text) {
    Grpc__Reflection__V1__ErrorResponse error =
        GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;

    error.error_code = (int)status;
    error.error_message = (char *)text;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    response->error_response = &error;
    invocation_send(invocation, &response->base);
}

static void send_file(const FileSet *set,
                      struct invocation *invocation,
                      Response *response,
                      File *file) {
    Grpc__Reflection__V1__FileDescriptorResponse answer =
        GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
    struct closure closure = { 0 };

    add_file(set, &closure, file);
    answer.n_file_descriptor_proto = closure.count;
    answer.file_descriptor_proto =
        mem_new_array(closure.count, sizeof(*answer.file_descriptor_proto));
    for (size_t i = 0; i < closure.count; i++) {
        ProtobufCBinaryData *packed = &answer.file_descriptor_proto[i];
        packed->len = protobuf_c_message_get_packed_size(&closure.files[i]->base);
        packed->data = mem_new(packed->len);
        protobuf_c_message_pack(&closure.files[i]->base, packed->data);
    }
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    response->file_descriptor_response = &answer;
    invocation_send(invocation, &response->base);
    for (size_t i = 0; i < closure.count; i++)
        free(answer.file_descriptor_proto[i].data);
    free(answer.file_descriptor_proto);
    free(closure.files);
}

/* The services of the set, then those of others. */
static const char *service_at(const struct reflection *reflection, size_t i) {
    const struct reflection_others *others = reflection->others;
    size_t own = 0;

    for (const struct service *service;
         (service = services_at(reflection->services, own)); own++)
        if (own == i)
            return service->descriptor->name;
    return others ? others->service_at(others->arg, i - own) : NULL;
}

static void send_list(const struct reflection *reflection,
                      struct invocation *invocation,
                      Response *response) {
    Grpc__Reflection__V1__ListServiceResponse list =
        GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
    size_t count = 0;

    while (service_at(reflection, count))
        count++;
    auto_(mem_freep) void *services =
        mem_new_array(count + 1, sizeof(Grpc__Reflection__V1__ServiceResponse));
    auto_(mem_freep) void *pointers = mem_new_array(count + 1, sizeof(*list.service));
    list.service = pointers;
    for (size_t i = 0; i < count; i++) {
        list.service[i] = (Grpc__Reflection__V1__ServiceResponse *)services + i;
        grpc__reflection__v1__service_response__init(list.service[i]);
        list.service[i]->name = pb_lend(service_at(reflection, i));
    }
    list.n_service = count;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    response->list_services_response = &list;
    invocation_send(invocation, &response->base);
}

static File *find(const FileSet *set, const Request *request) {
    return request->message_request_case ==
                   GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME
               ? find_file(set, request->file_by_filename)
               : find_symbol(set, request->file_containing_symbol);
}

/* Answers from one set: false when the file is not there. */
static bool send_from(struct slice files,
                      struct invocation *invocation,
                      Response *response,
                      const Request *request) {
    FileSet *set =
        google__protobuf__file_descriptor_set__unpack(NULL, files.len, files.at);
    if (!set)
        return false;
    File *file = find(set, request);
    if (file)
        send_file(set, invocation, response, file);
    google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
    return file != NULL;
}

/* The set is read anew for each question: agents are asked seldom, and have no 60 KiB to
 * spare for the answers in between. */
static void send_declaration(const struct reflection *reflection,
                             struct invocation *invocation,
                             Response *response,
                             const Request *request) {
    const struct reflection_others *others = reflection->others;
    struct slice files = slice_of(descriptors_data, descriptors_len);
    bool sent = send_from(files, invocation, response, request);

    for (size_t i = 0; !sent && others && others->files_at(others->arg, i, &files); i++)
        sent = files.len > 0 && send_from(files, invocation, response, request);
    if (!sent)
        send_error(invocation, response, GRPC_NOT_FOUND, "no such file or symbol");
}

static void on_info(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    const struct reflection *reflection = arg;
    const Request *request = (const Request *)message;
    Response response = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    Request echo = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    if (!request) {
        invocation_finish(invocation, GRPC_OK, "%s", "");
        return;
    }
    echo.host = request->host;
    echo.message_request_case = request->message_request_case;
    echo.file_containing_extension =
        request->file_containing_extension; /* the union's widest */
    response.valid_host = request->host;
    response.original_request = &echo;
    switch (request->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        send_declaration(reflection, invocation, &response, request);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        send_list(reflection, invocation, &response);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
        echo.message_request_case = 0; /* of another type in v1alpha */
        send_error(invocation, &response, GRPC_NOT_FOUND, "there are no extensions");
        break;
    default:
        send_error(invocation, &response, GRPC_INVALID_ARGUMENT,
                   "the request asks nothing");
    }
}

static const struct service_method methods[] = {
    { "ServerReflectionInfo", SERVICE_BIDI, on_info },
    { 0 },
};

struct reflection *reflection_new(struct services *services) {
    struct reflection *reflection = mem_new(sizeof(*reflection));
    struct service v1 = {
        .descriptor = &grpc__reflection__v1__server_reflection__descriptor,
        .methods = methods,
        .arg = reflection,
    };
    struct service v1alpha = v1;

    v1alpha.descriptor = &grpc__reflection__v1alpha__server_reflection__descriptor;
    reflection->services = services;
    services_add(services, &v1);
    services_add(services, &v1alpha);
    return reflection;
}

void reflection_add_others(struct reflection *reflection,
                           const struct reflection_others *others) {
    reflection->others = others;
}

struct reflection *reflection_free(struct reflection *reflection) {
    if (!reflection)
        return NULL;
    free(reflection);
    return NULL;
}
