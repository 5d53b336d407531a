#include "rpc/discovery.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "grpc/reflection_v1.pb-c.h"
#include "loop/loop.h"
#include "rpc/client.h"
#include "rpc/fileset.h"
#include "wire/pb.h"

enum {
    ASK_MS = 10000,
    ANSWER_MAX = 4 << 20, /* a file and all that it imports */
};

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;

struct discovery {
    struct discovery_config config;
    struct client_call *client; /* owned; NULL when there is none */
    char **names;               /* owned, and the strings; sorted */
    size_t count;
    size_t asked; /* of names: their files were asked for */
    char *import; /* owned: the file that is asked for by name; or NULL */
    bool has_list;
    bool has_failed; /* an answer made no sense */
    bool alpha;
    struct task next;
};

static void ask(struct discovery *discovery);

bool discovery_is_plumbing(const char *service) {
    static const char *const names[] = {
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "grpc.health.v1.Health",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], service) == 0)
            return true;
    return false;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void take_list(struct discovery *discovery, const Response *response) {
    const Grpc__Reflection__V1__ListServiceResponse *list =
        response->list_services_response;

    discovery->has_list = true;
    discovery->names = mem_new_array(list->n_service + 1, sizeof(char *));
    for (size_t i = 0; i < list->n_service && i < DISCOVERY_SERVICES_MAX; i++) {
        const char *name = list->service[i]->name;
        if (name[0] && strlen(name) < 256 && !discovery_is_plumbing(name))
            discovery->names[discovery->count++] = mem_strdup(name);
    }
    qsort(discovery->names, discovery->count, sizeof(char *), by_name);
    discovery->config.on_list(discovery->config.arg, discovery->names, discovery->count);
}

static void take_files(struct discovery *discovery, const Response *response) {
    const Grpc__Reflection__V1__FileDescriptorResponse *files =
        response->file_descriptor_response;

    for (size_t i = 0; i < files->n_file_descriptor_proto; i++)
        fileset_add(discovery->config.fileset,
                    slice_of(files->file_descriptor_proto[i].data,
                             files->file_descriptor_proto[i].len));
}

/* Whatever came for this import: once is enough. */
static void close_question(struct discovery *discovery) {
    if (discovery->import)
        fileset_give_up(discovery->config.fileset, discovery->import);
    free(TAKE(discovery->import));
}

static void on_message(void *user, struct slice bytes) {
    struct discovery *discovery = user;
    ProtobufCMessage *message;

    if (pb_unpack(&grpc__reflection__v1__server_reflection_response__descriptor, bytes,
                  &message) != 0) {
        discovery->has_failed = true;
        client_end(discovery->client);
        return;
    }
    const Response *response = (const Response *)message;
    if (response->message_response_case ==
            GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE &&
        !discovery->has_list)
        take_list(discovery, response);
    else if (
        response->message_response_case ==
            GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE &&
        discovery->has_list && discovery->config.fileset)
        take_files(discovery, response);
    else if (!discovery->has_list)
        discovery->has_failed = true;
    close_question(discovery);
    pb_free(message);
    if (discovery->client)
        ask(discovery);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct discovery *discovery = user;

    discovery->client = NULL;
    if (status == GRPC_UNIMPLEMENTED && !discovery->alpha && !discovery->has_list) {
        discovery->alpha = true;
        loop_post(discovery->config.loop, &discovery->next);
        return;
    }
    if (discovery->has_failed)
        discovery->config.on_done(discovery->config.arg, GRPC_INTERNAL,
                                  "its reflection makes no sense");
    else
        discovery->config.on_done(discovery->config.arg,
                                  discovery->has_list ? GRPC_OK : status, message);
}

/* The next thing to know, or the end. */
static void ask(struct discovery *discovery) {
    Request request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    struct fileset *files = discovery->config.fileset;
    const char *missing;

    while (files && discovery->asked < discovery->count &&
           fileset_has_service(files, discovery->names[discovery->asked]))
        discovery->asked++;
    if (!discovery->has_list && !discovery->has_failed) {
        request.message_request_case =
            GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
        request.list_services = "*";
    } else if (files && discovery->asked < discovery->count) {
        request.message_request_case =
            GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
        request.file_containing_symbol = discovery->names[discovery->asked++];
    } else if (files && (missing = fileset_missing(files))) {
        request.message_request_case =
            GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
        request.file_by_filename = discovery->import = mem_strdup(missing);
    } else {
        client_end(discovery->client);
        return;
    }
    client_send(discovery->client, &request.base);
}

/* v1 and v1alpha have the same messages under different names. */
static void open_stream(struct task *task) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    struct discovery *discovery = container_of(task, struct discovery, next);
    struct client_request request = {
        .method = discovery->alpha
                      ? "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
                      : "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        .timeout_ms = ASK_MS,
        .message_max = ANSWER_MAX,
    };

    discovery->client = client_start(discovery->config.loop, discovery->config.target,
                                     &request, &events, discovery);
    ask(discovery);
}

struct discovery *discovery_new(const struct discovery_config *config) {
    struct discovery *discovery = mem_new(sizeof(*discovery));

    *discovery = (struct discovery) { .config = *config, .next.run = open_stream };
    loop_post(config->loop, &discovery->next);
    return discovery;
}

struct discovery *discovery_free(struct discovery *discovery) {
    if (!discovery)
        return NULL;
    loop_cancel(&discovery->next);
    client_cancel(discovery->client);
    for (size_t i = 0; i < discovery->count; i++)
        free(discovery->names[i]);
    free(discovery->names);
    free(discovery->import);
    free(discovery);
    return NULL;
}
