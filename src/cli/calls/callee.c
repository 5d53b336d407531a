#include "cli/calls/callee.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/calls/reflect.h"
#include "cli/cli.h"
#include "cli/suggest.h"

enum { PROTOSET_MAX = 16 << 20 };

static int link_schema(struct callee *callee) {
    char *why = NULL;

    if (schema_link(callee->schema, &why) == 0)
        return 0;
    int r = report_fail(REPORT_CALL + GRPC_INTERNAL, NULL,
                        "%s: its description of itself: %s", callee->label,
                        why ? why : "makes no sense");
    free(why);
    return r;
}

static int load_set(struct callee *callee, const char *path) {
    struct buf bytes = { 0 };

    int r = file_read(path, PROTOSET_MAX, &bytes);
    if (r < 0)
        r = report_fail(REPORT_FAILED, NULL, "%s: %s", path, strerror(-r));
    else if (schema_add_set(callee->schema, buf_slice(&bytes)) != 0)
        r = report_fail(REPORT_USAGE,
                        "protoc --include_imports --descriptor_set_out=FILE ...",
                        "%s: is no descriptor set", path);
    else
        r = link_schema(callee);
    buf_done(&bytes);
    return r;
}

int callee_open(struct callee *callee, const char *protoset) {
    callee->schema = schema_new();
    if (protoset)
        return load_set(callee, protoset);
    callee->reflect = reflect_new(callee->cli, callee->node, callee->label);
    return 0;
}

void callee_done(struct callee *callee) {
    callee_hush(callee);
    callee->schema = schema_free(callee->schema);
}

void callee_hush(struct callee *callee) {
    callee->reflect = reflect_free(callee->reflect);
}

int callee_services(struct callee *callee, const char ***ret_names, size_t *ret_count) {
    size_t count;

    if (callee->reflect) {
        char **names;
        int r = reflect_services(callee->reflect, &names, &count);
        if (r != 0)
            return r;
        *ret_names = mem_new_array(count + 1, sizeof(char *));
        memcpy(*ret_names, names, count * sizeof(char *));
    } else {
        count = schema_service_count(callee->schema);
        *ret_names = mem_new_array(count + 1, sizeof(char *));
        for (size_t i = 0; i < count; i++)
            (*ret_names)[i] = schema_service_at(callee->schema, i)->name;
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

/* The one service that the text means, or NULL and how many it could mean. */
static const char *match_service(const char *text,
                                 const char *const *names,
                                 size_t count,
                                 size_t *ret_matches) {
    const char *found = NULL;

    *ret_matches = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            *ret_matches = 1;
            return names[i];
        }
        if (is_end_of(names[i], text)) {
            found = names[i];
            (*ret_matches)++;
        }
    }
    return *ret_matches == 1 ? found : NULL;
}

static int tell_unmatched(const struct callee *callee,
                          const char *text,
                          const char *near,
                          size_t matches) {
    if (matches > 1)
        return report_fail(REPORT_USAGE, callee->again,
                           "%s: %s is the end of %zu services", callee->label, text,
                           matches);
    if (near)
        return report_fail(REPORT_NOT_FOUND, callee->again,
                           "%s: no service %s; did you mean %s?", callee->label, text,
                           near);
    return report_fail(REPORT_NOT_FOUND, callee->again, "%s: no service %s",
                       callee->label, text);
}

/* Fetches and links what describes a symbol: 0, REFLECT_E_UNKNOWN, or a status. */
static int learn(struct callee *callee, const char *symbol) {
    if (!callee->reflect)
        return 0;
    int r = reflect_add_symbol(callee->reflect, callee->schema, symbol);
    return r != 0 ? r : link_schema(callee);
}

static int learn_service(struct callee *callee,
                         const char *name,
                         const struct schema_service **ret_service) {
    int r = learn(callee, name);
    if (r == REFLECT_E_UNKNOWN)
        return report_fail(REPORT_NOT_FOUND, NULL,
                           "%s: lists the service %s, but does not describe it",
                           callee->label, name);
    if (r != 0)
        return r;
    *ret_service = schema_service_find(callee->schema, name);
    if (*ret_service)
        return 0;
    return report_fail(REPORT_NOT_FOUND, NULL, "%s: no service %s", callee->label, name);
}

/* A text that is no service may be a message: 0 when it is, with nothing told if not. */
static int learn_message(struct callee *callee,
                         const char *name,
                         const ProtobufCMessageDescriptor **ret_message) {
    if (callee->reflect) {
        struct schema *schema = schema_new();
        char *why = NULL;
        int r = reflect_add_symbol(callee->reflect, schema, name);
        if (r != 0 || schema_link(schema, &why) != 0) {
            free(why);
            schema_free(schema);
            return REFLECT_E_UNKNOWN;
        }
        schema_free(callee->schema);
        callee->schema = schema;
    }
    *ret_message = schema_message_find(callee->schema, name);
    return *ret_message ? 0 : REFLECT_E_UNKNOWN;
}

static int find_method(const struct callee *callee,
                       const char *name,
                       struct callee_found *found) {
    const struct schema_service *service = found->service;
    auto_(mem_freep) const char **names =
        mem_new_array(service->method_count + 1, sizeof(*names));

    found->method = schema_method_find(service, name);
    if (found->method)
        return 0;
    for (size_t i = 0; i < service->method_count; i++)
        names[i] = service->methods[i].name;
    const char *near = suggest_nearest(name, names, service->method_count);
    auto_(mem_freep) char *remedy =
        mem_printf("%s %s --describe", callee->again, service->name);
    return report_fail(REPORT_NOT_FOUND, remedy, "%s: %s has no method %s%s%s%s",
                       callee->label, service->name, name, near ? "; did you mean " : "",
                       near ? near : "", near ? "?" : "");
}

/* The service of a text "SERVICE" or "SERVICE/METHOD"; a message only without a slash. */
static int find_service(struct callee *callee,
                        const char *typed,
                        bool is_alone,
                        struct callee_found *found) {
    const char **names;
    size_t count, matches;

    int r = callee_services(callee, &names, &count);
    if (r != 0)
        return r;
    const char *name = match_service(typed, names, count, &matches);
    if (name)
        r = learn_service(callee, name, &found->service);
    else if (matches == 0 && is_alone && strchr(typed, '.') &&
             learn_message(callee, typed, &found->message) == 0)
        r = 0;
    else
        r = tell_unmatched(callee, typed, nearest_service(typed, names, count), matches);
    free(names);
    return r;
}

int callee_find(struct callee *callee, const char *text, struct callee_found *ret_found) {
    struct callee_found found = { 0 };

    if (*text == '/')
        text++;
    size_t len = strcspn(text, "/");
    auto_(mem_freep) char *typed = mem_dup(text, len);
    bool has_method = text[len] == '/' && text[len + 1] != '\0';
    int r = find_service(callee, typed, !has_method, &found);
    if (r == 0 && has_method)
        r = find_method(callee, text + len + 1, &found);
    if (r == 0)
        *ret_found = found;
    return r;
}

/* With reflection each service is learnt by itself. */
static int visit(struct callee *callee,
                 const char *name,
                 void (*fn)(void *arg, const struct schema_service *service),
                 void *arg) {
    struct callee one = *callee;
    const struct schema_service *service = NULL;

    if (callee->reflect)
        one.schema = schema_new();
    int r = learn_service(&one, name, &service);
    if (r == 0)
        fn(arg, service);
    if (callee->reflect)
        schema_free(one.schema);
    return r;
}

int callee_each(struct callee *callee,
                void (*fn)(void *arg, const struct schema_service *service),
                void *arg) {
    const char **names;
    size_t count, failed = 0;
    int last = 0;

    int r = callee_services(callee, &names, &count);
    if (r != 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        r = visit(callee, names[i], fn, arg);
        failed += r != 0;
        last = r != 0 ? r : last;
    }
    free(names);
    return report_exit_of_many(failed, count, last);
}

const ProtobufCMessageDescriptor *callee_message(const struct callee *callee,
                                                 const char *name) {
    return callee->schema ? schema_message_find(callee->schema, name) : NULL;
}
