#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/call_run.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/describe.h"
#include "cli/hub.h"
#include "cli/output.h"
#include "cli/reflect.h"
#include "cli/suggest.h"
#include "cli/table.h"

enum { PROTOSET_MAX = 16 << 20 };

/* One command under way. */
struct calling {
    struct cli *cli;                      /* borrowed: the caller */
    const char *label;                    /* borrowed: the node as typed */
    const char *node;                     /* borrowed; NULL: the hub */
    struct reflect *reflect;              /* owned; NULL with --protoset */
    struct schema *schema;                /* owned */
    const struct schema_service *service; /* borrowed: schema */
    const struct schema_method *method;   /* borrowed: schema */
    struct headers metadata;
    uint64_t deadline_ms;
    bool yaml;
};

static int link_schema(struct calling *calling) {
    char *why = NULL;

    if (schema_link(calling->schema, &why) == 0)
        return 0;
    int r = report_fail(REPORT_CALL + GRPC_INTERNAL, NULL,
                        "%s: its description of itself: %s", calling->label,
                        why ? why : "makes no sense");
    free(why);
    return r;
}

static int load_protoset(struct calling *calling, const char *path) {
    struct buf bytes = { 0 };

    int r = file_read(path, PROTOSET_MAX, &bytes);
    if (r < 0)
        r = report_fail(REPORT_FAILED, NULL, "%s: %s", path, strerror(-r));
    else if (schema_add_set(calling->schema, buf_slice(&bytes)) != 0)
        r = report_fail(REPORT_USAGE,
                        "protoc --include_imports --descriptor_set_out=FILE ...",
                        "%s: is no descriptor set", path);
    else
        r = link_schema(calling);
    buf_done(&bytes);
    return r;
}

/* All service names: of the node, or of the file. The array is the caller's. */
static int service_names(struct calling *calling,
                         const char ***ret_names,
                         size_t *ret_count) {
    size_t count;

    if (calling->reflect) {
        char **names;
        int r = reflect_services(calling->reflect, &names, &count);
        if (r != 0)
            return r;
        *ret_names = mem_new_array(count + 1, sizeof(char *));
        memcpy(*ret_names, names, count * sizeof(char *));
    } else {
        count = schema_service_count(calling->schema);
        *ret_names = mem_new_array(count + 1, sizeof(char *));
        for (size_t i = 0; i < count; i++)
            (*ret_names)[i] = schema_service_at(calling->schema, i)->name;
    }
    *ret_count = count;
    return 0;
}

/* Is short the end of name behind a dot ("Host" of "roost.v1.Host")? Any case. */
static bool is_end_of(const char *name, const char *end) {
    size_t len = strlen(name), end_len = strlen(end);

    return end_len > 0 && len > end_len && name[len - end_len - 1] == '.' &&
           strcasecmp(name + len - end_len, end) == 0;
}

/* A service that was perhaps meant, by its whole name or the end of it; or NULL. */
static const char *nearest_service(const char *text,
                                   const char *const *names,
                                   size_t count) {
    auto_(mem_freep) const char **ends = mem_new_array(count + 1, sizeof(*ends));

    for (size_t i = 0; i < count; i++) {
        const char *dot = strrchr(names[i], '.');
        ends[i] = dot && !strchr(text, '.') ? dot + 1 : names[i];
    }
    const char *near = suggest_nearest(text, ends, count);
    for (size_t i = 0; near && i < count; i++)
        if (ends[i] == near)
            return names[i];
    return NULL;
}

/* The service that a text means: the whole name, or an end of exactly one. A new string,
 * NULL after telling (*ret_code). */
static char *complete_service(struct calling *calling, const char *text, int *ret_code) {
    const char **names;
    const char *found = NULL;
    size_t count, matches = 0;

    *ret_code = service_names(calling, &names, &count);
    if (*ret_code != 0)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            found = names[i];
            matches = 1;
            break;
        }
        if (is_end_of(names[i], text)) {
            found = names[i];
            matches++;
        }
    }
    char *service = matches == 1 ? mem_strdup(found) : NULL;
    const char *near = nearest_service(text, names, count);
    auto_(mem_freep) char *remedy = mem_printf("roost call %s", calling->label);
    if (matches == 0 && near)
        *ret_code =
            report_fail(REPORT_NOT_FOUND, remedy, "%s: no service %s; did you mean %s?",
                        calling->label, text, near);
    else if (matches == 0)
        *ret_code = report_fail(REPORT_NOT_FOUND, remedy, "%s: no service %s",
                                calling->label, text);
    else if (matches > 1)
        *ret_code = report_fail(REPORT_USAGE, remedy, "%s: %s is the end of %zu services",
                                calling->label, text, matches);
    free(names);
    return service;
}

/* Fetches and links what describes the service. */
static int learn(struct calling *calling, const char *service) {
    if (calling->reflect) {
        int r = reflect_add_symbol(calling->reflect, calling->schema, service);
        if (r == REFLECT_E_UNKNOWN)
            return report_fail(REPORT_NOT_FOUND, NULL,
                               "%s: lists the service %s, but does not describe it",
                               calling->label, service);
        if (r == 0)
            r = link_schema(calling);
        if (r != 0)
            return r;
    }
    calling->service = schema_service_find(calling->schema, service);
    if (!calling->service)
        return report_fail(REPORT_NOT_FOUND, NULL, "%s: no service %s", calling->label,
                           service);
    return 0;
}

static int find_method(struct calling *calling, const char *name) {
    const struct schema_service *service = calling->service;
    auto_(mem_freep) const char **names =
        mem_new_array(service->method_count + 1, sizeof(*names));

    calling->method = schema_method_find(service, name);
    if (calling->method)
        return 0;
    for (size_t i = 0; i < service->method_count; i++)
        names[i] = service->methods[i].name;
    const char *near = suggest_nearest(name, names, service->method_count);
    auto_(mem_freep) char *remedy =
        mem_printf("roost call %s %s --describe", calling->label, service->name);
    if (near)
        return report_fail(REPORT_NOT_FOUND, remedy,
                           "%s: %s has no method %s; did you "
                           "mean %s?",
                           calling->label, service->name, name, near);
    return report_fail(REPORT_NOT_FOUND, remedy, "%s: %s has no method %s",
                       calling->label, service->name, name);
}

/* "pkg.Service/Method", "/pkg.Service/Method", "Service/Method", or a service alone. */
static int find(struct calling *calling, const char *text) {
    int r;

    if (*text == '/')
        text++;
    size_t len = strcspn(text, "/");
    auto_(mem_freep) char *typed = mem_dup(text, len);
    auto_(mem_freep) char *service = complete_service(calling, typed, &r);
    if (!service)
        return r;
    r = learn(calling, service);
    if (r == 0 && text[len] == '/' && text[len + 1] != '\0')
        r = find_method(calling, text + len + 1);
    return r;
}

static void add_list_json(struct buf *out, const struct schema_service *service) {
    buf_add_text(out, "{\"name\": ");
    output_add_string(out, service->name);
    buf_add_text(out, ", \"methods\": [");
    for (size_t i = 0; i < service->method_count; i++) {
        const struct schema_method *method = &service->methods[i];
        buf_add_text(out, i ? ",\n    {\"name\": " : "\n    {\"name\": ");
        output_add_string(out, method->name);
        buf_add_text(out, ", \"request\": ");
        output_add_string(out, method->input->name);
        buf_add_text(out, ", \"response\": ");
        output_add_string(out, method->output->name);
        buf_printf(out, ", \"clientStreaming\": %s, \"serverStreaming\": %s}",
                   method->client_streaming ? "true" : "false",
                   method->server_streaming ? "true" : "false");
    }
    buf_add_text(out, service->method_count ? "\n  ]}" : "]}");
}

static void add_list_rows(struct table *table, const struct schema_service *service) {
    for (size_t i = 0; i < service->method_count; i++) {
        const struct schema_method *method = &service->methods[i];
        table_printf(table, TERMINAL_BOLD, "%s/%s", service->name, method->name);
        table_printf(table, TERMINAL_DIM, "%s%s -> %s%s",
                     method->client_streaming ? "stream " : "", method->input->name,
                     method->server_streaming ? "stream " : "", method->output->name);
    }
}

/* Each service is learnt by itself: one that cannot be described hides no other. */
static int list_one(struct calling *calling,
                    const char *name,
                    struct table *table,
                    struct buf *json) {
    struct calling one = *calling;

    if (calling->reflect)
        one.schema = schema_new();
    int r = learn(&one, name);
    if (r == 0) {
        buf_add_text(json, json->len ? ",\n  " : "\n  ");
        add_list_json(json, one.service);
        add_list_rows(table, one.service);
    }
    if (calling->reflect)
        schema_free(one.schema);
    return r;
}

static int list(struct calling *calling) {
    const char **names;
    struct buf json = { 0 };
    size_t count, failed = 0;
    int last = 0;

    int r = service_names(calling, &names, &count);
    if (r != 0)
        return r;
    struct table *table = table_new();
    table_column(table, "METHOD", TABLE_LEFT);
    table_column(table, "TYPES", TABLE_FLEXIBLE);
    for (size_t i = 0; i < count; i++) {
        r = list_one(calling, names[i], table, &json);
        failed += r != 0;
        last = r != 0 ? r : last;
    }
    if (calling->cli->json)
        printf("{\"services\": [%s%s]}\n", buf_text(&json), json.len ? "\n" : "");
    else if (table_row_count(table) > 0)
        table_print(table, &calling->cli->terminal);
    table_free(table);
    buf_done(&json);
    free(names);
    return report_exit_of_many(failed, count, last);
}

static void print(struct buf *out) {
    fwrite(out->data, 1, out->len, stdout);
    buf_done(out);
}

static int describe(struct calling *calling) {
    struct buf out = { 0 };

    if (!calling->method) {
        describe_add_service(&out, calling->service);
    } else {
        describe_add_method(&out, calling->method);
        buf_add_text(&out, ";\n");
        describe_add_types(&out, calling->method);
    }
    print(&out);
    return REPORT_OK;
}

/* "K:V" or "K: V". */
static int read_header(struct calling *calling, const char *text) {
    const char *colon = strchr(text, ':');
    if (!colon || colon == text)
        return cli_usage(calling->cli, "-H: \"%s\" is not KEY:VALUE", text);
    auto_(mem_freep) char *key = mem_dup(text, (size_t)(colon - text));
    const char *value = colon + 1;

    while (*value == ' ')
        value++;
    for (char *at = key; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    if (strncmp(key, "grpc-", 5) == 0 || strcmp(key, "name") == 0 ||
        !headers_add(&calling->metadata, key, value))
        return cli_usage(calling->cli, "-H: \"%s\" cannot be sent", text);
    return 0;
}

static int read_options(struct calling *calling) {
    struct cli *cli = calling->cli;
    const char *format = args_value(cli->args, "output");
    int r = 0;

    if (format && strcmp(format, "json") != 0 && strcmp(format, "yaml") != 0)
        return cli_usage(cli, "-o: %s is neither json nor yaml", format);
    calling->yaml = format && strcmp(format, "yaml") == 0;
    calling->deadline_ms = cli->timeout_ms;
    r = cli_duration(cli, "deadline", &calling->deadline_ms);
    for (size_t i = 0; r == 0 && i < args_times(cli->args, "header"); i++)
        r = read_header(calling, args_value_at(cli->args, "header", i));
    if (args_count(cli->args) > 2 && args_has(cli->args, "file"))
        return cli_usage(cli, "call: the request is an argument or a file, not both");
    return r;
}

static int make_call(struct calling *calling) {
    const struct args *args = calling->cli->args;
    const char *json = args_at(args, 2);
    const char *file = args_value(args, "file");
    auto_(mem_freep) char *path =
        mem_printf("/%s/%s", calling->service->name, calling->method->name);

    if (json && strcmp(json, "-") == 0) {
        file = "-";
        json = NULL;
    }
    if (!json && !file) {
        file = calling->method->client_streaming ? "-" : NULL;
        json = file ? NULL : "{}";
    }
    struct call_run run = {
        .cli = calling->cli,
        .node = calling->node,
        .path = path,
        .method = calling->method,
        .metadata = &calling->metadata,
        .json = json,
        .file = file,
        .deadline_ms = calling->deadline_ms,
        .yaml = calling->yaml,
    };
    return call_run(&run);
}

static int go(struct calling *calling) {
    const struct args *args = calling->cli->args;
    const char *protoset = args_value(args, "protoset");
    const char *what = args_at(args, 1);

    int r = read_options(calling);
    if (r == 0)
        r = hub_connect(calling->cli);
    if (r != 0)
        return r;
    if (protoset)
        r = load_protoset(calling, protoset);
    else
        calling->reflect = reflect_new(calling->cli, calling->node, calling->label);
    if (r != 0)
        return r;
    if (!what)
        return list(calling);
    r = find(calling, what);
    if (r != 0)
        return r;
    if (!calling->method || args_has(args, "describe"))
        return describe(calling);
    calling->reflect = reflect_free(calling->reflect);
    return make_call(calling);
}

static int run(struct cli *cli) {
    const char *node = args_at(cli->args, 0);
    bool is_hub = strcmp(node, "-") == 0 || strcmp(node, "hub") == 0;
    struct calling calling = {
        .cli = cli,
        .label = node,
        .node = is_hub ? NULL : node,
        .schema = schema_new(),
    };

    int r = go(&calling);
    reflect_free(calling.reflect);
    schema_free(calling.schema);
    headers_done(&calling.metadata);
    return r;
}

static const struct args_option options[] = {
    { "describe", 0, NULL, "show the types instead of calling" },
    { "file", 'f', "FILE", "the request (or requests) from a file; - is standard input" },
    { "header", 'H', "K:V", "metadata to send (repeats)" },
    { "deadline", 0, "TIME", "give up after this long, and tell the callee" },
    { "output", 'o', "json|yaml", "how replies are printed" },
    { "protoset", 0, "FILE", "types from a descriptor set, not by reflection" },
    { 0 },
};

static const char *const examples[] = {
    "roost call pi",
    "all methods of a node",
    "roost call pi Host/Describe",
    "call one; an end of its name will do",
    "roost call pi roost.v1.Host/Describe --describe",
    "its types, and a sample request",
    "roost call - roost.v1.Nodes/List '{\"select\": \"@home\"}'",
    "a method of the hub",
    "roost call svc chat.Chat/Talk -f - -o yaml",
    "streams: one JSON object a line in, one out",
    NULL,
};

const struct command cmd_call = {
    .name = "call",
    .usage = "NODE [SERVICE/METHOD [JSON]]",
    .summary = "call any gRPC method of a node, or list them",
    .details =
        "Types come from the node itself, by reflection. NODE \"-\" or \"hub\" is "
        "the hub. When\nthe call fails, the exit status is 64 and the gRPC status.",
    .examples = examples,
    .options = options,
    .least = 1,
    .most = 3,
    .operands = "node",
    .run = run,
};
