#include "cli/calls/reflect.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/hub/hub.h"
#include "grpc/reflection_v1.pb-c.h"
#include "loop/loop.h"
#include "rpc/client.h"
#include "wire/headers.h"
#include "wire/pb.h"
#include "wire/schema.h"

enum { IMPORTS_MAX = 1000 }; /* a chain longer than any that people write */

struct reflect {
    struct cli *cli;            /* borrowed: the caller */
    const char *node;           /* borrowed: the caller; NULL: the hub */
    const char *label;          /* borrowed: the caller */
    struct client_call *client; /* owned; NULL when no stream is open */
    ProtobufCMessage *response; /* owned; the last one; NULL while waiting */
    char **names;               /* owned, and the strings */
    size_t count;
    enum grpc_status status; /* of the stream that ended */
    char *message;           /* owned */
    bool alpha;
    bool ended;
    bool ready; /* a response came, or the stream ended */
};

struct reflect *reflect_new(struct cli *cli, const char *node, const char *label) {
    struct reflect *reflect = mem_new(sizeof(*reflect));
    *reflect = (struct reflect) { .cli = cli, .node = node, .label = label };
    return reflect;
}

struct reflect *reflect_free(struct reflect *reflect) {
    if (!reflect)
        return NULL;
    client_cancel(reflect->client);
    pb_free(reflect->response);
    for (size_t i = 0; i < reflect->count; i++)
        free(reflect->names[i]);
    free(reflect->names);
    free(reflect->message);
    free(reflect);
    return NULL;
}

static void on_message(void *user, struct slice bytes) {
    struct reflect *reflect = user;

    reflect->response = pb_free(reflect->response);
    pb_unpack(&grpc__reflection__v1__server_reflection_response__descriptor, bytes,
              &reflect->response);
    reflect->ready = true;
    loop_stop(cli_loop(reflect->cli));
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct reflect *reflect = user;

    (void)trailers;
    reflect->client = NULL;
    reflect->status = status;
    free(reflect->message);
    reflect->message = mem_strdup(message ? message : "");
    reflect->ended = true;
    reflect->ready = true;
    loop_stop(cli_loop(reflect->cli));
}

/* v1 and v1alpha have the same messages under different names. */
static void open_stream(struct reflect *reflect) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    struct session *session = reflect->cli->session;
    struct headers metadata;

    session_metadata(session, reflect->node, &metadata);
    struct client_request request = {
        .method = reflect->alpha
                      ? "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
                      : "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        .metadata = &metadata,
        .timeout_ms = reflect->cli->timeout_ms ? reflect->cli->timeout_ms : HUB_CALL_MS,
    };
    reflect->ended = false;
    reflect->client = client_start(session_loop(session), session_target(session),
                                   &request, &events, reflect);
    headers_done(&metadata);
}

int reflect_fail(struct cli *cli,
                 const char *what,
                 enum grpc_status status,
                 const char *message) {
    int code = (int)status <= GRPC_UNAUTHENTICATED ? (int)status : GRPC_UNKNOWN;
    bool is_direct = session_is_direct(cli->session);
    const char *remedy = is_direct                          ? NULL
                         : status == GRPC_UNAUTHENTICATED   ? "roost whoami"
                         : status == GRPC_PERMISSION_DENIED ? "roost whoami"
                         : status == GRPC_UNAVAILABLE       ? "roost nodes"
                         : status == GRPC_NOT_FOUND         ? "roost nodes"
                                                            : NULL;

    if (session_is_lost(cli->session))
        return report_fail(REPORT_CALL + GRPC_UNAVAILABLE,
                           is_direct ? NULL : "roost doctor",
                           "%s: UNAVAILABLE: the connection%s was lost", what,
                           is_direct ? "" : " to the hub");
    return report_fail((enum report_exit)(REPORT_CALL + code), remedy, "%s: %s%s%s", what,
                       grpc_status_name((int)status), message && *message ? ": " : "",
                       message ? message : "");
}

static int fail(struct reflect *reflect) {
    if (reflect->status == GRPC_UNIMPLEMENTED)
        return report_fail(REPORT_CALL + GRPC_UNIMPLEMENTED,
                           "the same with --protoset FILE (protoc --include_imports "
                           "--descriptor_set_out=FILE)",
                           "%s: it does not tell its services (no reflection)",
                           reflect->label);
    return reflect_fail(reflect->cli, reflect->label, reflect->status, reflect->message);
}

/* Sends and waits for the answer: 0, or a status. */
static int ask(struct reflect *reflect,
               const Grpc__Reflection__V1__ServerReflectionRequest *request) {
    for (;;) {
        if (!reflect->client)
            open_stream(reflect);
        reflect->ready = false;
        reflect->response = pb_free(reflect->response);
        client_send(reflect->client, &request->base);
        session_wait(reflect->cli->session, &reflect->ready);
        if (reflect->response)
            return 0;
        if (!reflect->ended) {
            reflect->status = GRPC_INTERNAL;
            free(reflect->message);
            reflect->message = mem_strdup("its answer about itself makes no sense");
            return fail(reflect);
        }
        if (reflect->alpha || reflect->status != GRPC_UNIMPLEMENTED)
            return fail(reflect);
        reflect->alpha = true;
    }
}

static const Grpc__Reflection__V1__ServerReflectionResponse *response_of(
    const struct reflect *reflect) {
    return (const Grpc__Reflection__V1__ServerReflectionResponse *)reflect->response;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int reflect_services(struct reflect *reflect, char ***ret_names, size_t *ret_count) {
    Grpc__Reflection__V1__ServerReflectionRequest request =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
    request.list_services = "*";
    if (!reflect->names) {
        int r = ask(reflect, &request);
        if (r != 0)
            return r;
        const Grpc__Reflection__V1__ServerReflectionResponse *response =
            response_of(reflect);
        if (response->message_response_case !=
            GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE)
            return reflect_fail(reflect->cli, reflect->label, GRPC_INTERNAL,
                                "it does not list its services");
        const Grpc__Reflection__V1__ListServiceResponse *list =
            response->list_services_response;
        reflect->names = mem_new_array(list->n_service + 1, sizeof(char *));
        for (size_t i = 0; i < list->n_service; i++)
            reflect->names[reflect->count++] = mem_strdup(list->service[i]->name);
        qsort(reflect->names, reflect->count, sizeof(char *), by_name);
    }
    *ret_names = reflect->names;
    *ret_count = reflect->count;
    return 0;
}

/* Adds the files of the answer: 0, REFLECT_E_UNKNOWN, or a status. */
static int add_files(struct reflect *reflect, struct schema *schema) {
    const Grpc__Reflection__V1__ServerReflectionResponse *response = response_of(reflect);

    if (response->message_response_case ==
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE) {
        const Grpc__Reflection__V1__ErrorResponse *error = response->error_response;
        if (error->error_code == GRPC_NOT_FOUND)
            return REFLECT_E_UNKNOWN;
        return reflect_fail(reflect->cli, reflect->label,
                            (enum grpc_status)error->error_code, error->error_message);
    }
    if (response->message_response_case !=
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE)
        return REFLECT_E_UNKNOWN;
    const Grpc__Reflection__V1__FileDescriptorResponse *files =
        response->file_descriptor_response;
    for (size_t i = 0; i < files->n_file_descriptor_proto; i++) {
        const ProtobufCBinaryData *file = &files->file_descriptor_proto[i];
        if (schema_add_file(schema, slice_of(file->data, file->len)) != 0)
            return reflect_fail(reflect->cli, reflect->label, GRPC_INTERNAL,
                                "its description of itself is damaged or too large");
    }
    return 0;
}

static int add_imports(struct reflect *reflect, struct schema *schema) {
    for (int i = 0; i < IMPORTS_MAX; i++) {
        Grpc__Reflection__V1__ServerReflectionRequest request =
            GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
        const char *missing = schema_missing_import(schema);
        if (!missing)
            return 0;
        auto_(mem_freep) char *name = mem_strdup(missing);

        request.message_request_case =
            GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
        request.file_by_filename = name;
        int r = ask(reflect, &request);
        if (r == 0)
            r = add_files(reflect, schema);
        const char *still = schema_missing_import(schema);
        if (r == REFLECT_E_UNKNOWN || (r == 0 && still && strcmp(still, name) == 0))
            return 0; /* perhaps no type needs it: linking tells */
        if (r != 0)
            return r;
    }
    return report_fail(REPORT_CALL + GRPC_INTERNAL, NULL, "%s: its imports never end",
                       reflect->label);
}

int reflect_add_symbol(struct reflect *reflect,
                       struct schema *schema,
                       const char *symbol) {
    Grpc__Reflection__V1__ServerReflectionRequest request =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
    request.file_containing_symbol = pb_lend(symbol);
    int r = ask(reflect, &request);
    if (r == 0)
        r = add_files(reflect, schema);
    return r == 0 ? add_imports(reflect, schema) : r;
}
