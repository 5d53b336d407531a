#include "hub/front/node_types.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "loop/conn.h"
#include "loop/loop.h"
#include "rpc/connect.h"
#include "rpc/exchange.h"
#include "rpc/learn.h"
#include "wire/headers.h"
#include "wire/schema.h"

struct node_types {
    struct node_types_config config;
    struct list kept; /* of struct known, the one used last at the end */
    size_t count;     /* of those */
    size_t lessons;
};

/* The types of one service, as long as they are kept or somebody uses them. */
struct known {
    struct list node;
    char *key;             /* owned: node, generation, service */
    struct schema *schema; /* owned */
    unsigned refs;
    uint64_t since_ms;
};

/* What one request wants to know. */
struct lesson {
    struct node_types *types;        /* borrowed: outlives it */
    struct connect_request *request; /* borrowed: until forget() */
    struct learn *learn;             /* owned; NULL when it has answered */
    struct known *known;             /* reference; NULL at first */
    struct task answer;
    char *key;     /* owned; NULL: it cannot be kept */
    char *service; /* owned */
    char *method;  /* owned */
};

static void known_unref(struct known *known) {
    if (!known || --known->refs > 0)
        return;
    schema_free(known->schema);
    free(known->key);
    free(known);
}

static void drop(struct node_types *types, struct known *known) {
    list_remove(&known->node);
    types->count--;
    known_unref(known);
}

struct node_types *node_types_new(const struct node_types_config *config) {
    struct node_types *types = mem_new(sizeof(*types));

    types->config = *config;
    list_init(&types->kept);
    return types;
}

struct node_types *node_types_free(struct node_types *types) {
    if (!types)
        return NULL;
    assert(types->lessons == 0);
    while (!list_is_empty(&types->kept))
        drop(types, container_of(types->kept.next, struct known, node));
    free(types);
    return NULL;
}

/* What is kept under the key and not too old, or NULL. */
static struct known *find(struct node_types *types, const char *key) {
    uint64_t now_ms = loop_now_ms(types->config.loop);

    list_for_each_safe(at, after, &types->kept) {
        struct known *known = container_of(at, struct known, node);
        if (strcmp(known->key, key) != 0)
            continue;
        if (now_ms - known->since_ms >= NODE_TYPES_KEEP_MS) {
            drop(types, known);
            return NULL;
        }
        list_remove(&known->node);
        list_add_tail(&types->kept, &known->node);
        return known;
    }
    return NULL;
}

static void keep(struct node_types *types, struct known *known, const char *key) {
    if (types->count == NODE_TYPES_MAX)
        drop(types, container_of(types->kept.next, struct known, node));
    known->key = mem_strdup(key);
    known->refs++;
    list_add_tail(&types->kept, &known->node);
    types->count++;
}

static enum service_kind kind_of(const struct schema_method *method) {
    if (method->client_streaming)
        return method->server_streaming ? SERVICE_BIDI : SERVICE_CLIENT_STREAM;
    return method->server_streaming ? SERVICE_SERVER_STREAM : SERVICE_UNARY;
}

static const ProtobufCMessageDescriptor *find_message(void *arg, const char *name) {
    return schema_message_find(arg, name);
}

/* The lesson may be gone afterwards. */
static void answer(struct lesson *lesson) {
    struct schema *schema = lesson->known->schema;
    const struct schema_service *service = schema_service_find(schema, lesson->service);
    const struct schema_method *method = schema_method_find(service, lesson->method);

    if (!method) {
        auto_(mem_freep) char *why =
            mem_printf("%s has no method %s", lesson->service, lesson->method);
        connect_learned(lesson->request, NULL, GRPC_UNIMPLEMENTED, why);
        return;
    }
    struct connect_types types = {
        .kind = kind_of(method),
        .input = method->input,
        .output = method->output,
        .any = { .find = find_message, .arg = schema },
    };
    connect_learned(lesson->request, &types, GRPC_OK, "");
}

static void run_answer(struct task *task) {
    answer(container_of(task, struct lesson, answer));
}

static void on_learned(void *user,
                       struct schema *schema,
                       enum grpc_status status,
                       const char *message) {
    struct lesson *lesson = user;

    lesson->learn = NULL;
    if (!schema) {
        connect_learned(lesson->request, NULL, status, message);
        return;
    }
    lesson->known = mem_new(sizeof(*lesson->known));
    *lesson->known = (struct known) {
        .schema = schema,
        .refs = 1,
        .since_ms = loop_now_ms(lesson->types->config.loop),
    };
    if (lesson->key)
        keep(lesson->types, lesson->known, lesson->key);
    answer(lesson);
}

/* Asks on behalf of the request: with its credential, of the node that it names. */
static void ask(struct lesson *lesson, const struct exchange *exchange) {
    static const char *const fields[] = { "authorization", "proxy-authorization", "name",
                                          "roost-node" };
    struct headers metadata;

    headers_init(&metadata);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const char *value = headers_get(exchange->head, fields[i]);
        if (value)
            headers_add(&metadata, fields[i], value);
    }
    struct learn_config config = {
        .loop = lesson->types->config.loop,
        .target = lesson->types->config.gate,
        .metadata = &metadata,
        .service = lesson->service,
        .peer = conn_peer(exchange->conn),
        .on_learned = on_learned,
        .user = lesson,
    };
    lesson->learn = learn_start(&config);
    headers_done(&metadata);
}

void *node_types_learn(void *arg,
                       const struct exchange *exchange,
                       struct connect_request *request) {
    struct node_types *types = arg;
    const char *path = exchange_path(exchange);
    const char *slash = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    const char *name = headers_get(exchange->head, "roost-node");

    if (!name)
        name = headers_get(exchange->head, "name");
    if (!name || !slash || slash == path + 1)
        return NULL;
    struct lesson *lesson = mem_new(sizeof(*lesson));
    *lesson = (struct lesson) {
        .types = types,
        .request = request,
        .answer.run = run_answer,
        .service = mem_printf("%.*s", (int)(slash - path - 1), path + 1),
        .method = mem_strdup(slash + 1),
    };
    types->lessons++;
    const struct node *node = registry_find(types->config.registry, name);
    if (node && node->session)
        lesson->key = mem_printf("%s %llu %s", node->name,
                                 (unsigned long long)node->generation, lesson->service);
    lesson->known = lesson->key ? find(types, lesson->key) : NULL;
    if (lesson->known) {
        lesson->known->refs++;
        loop_post(types->config.loop, &lesson->answer);
    } else {
        ask(lesson, exchange);
    }
    return lesson;
}

void node_types_forget(void *arg, void *it) {
    struct node_types *types = arg;
    struct lesson *lesson = it;

    learn_cancel(lesson->learn);
    loop_cancel(&lesson->answer);
    known_unref(lesson->known);
    free(lesson->key);
    free(lesson->service);
    free(lesson->method);
    free(lesson);
    types->lessons--;
}
