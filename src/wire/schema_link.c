#include "wire/schema_link.h"

#include <string.h>

#include "base/mem.h"
#include "wire/pb.h"
#include "wire/schema_enum.h"
#include "wire/schema_message.h"

enum {
    NAME_LEN_MAX = 512, /* of a full name; each type has its own copy */
    TYPES_MAX = 10000,  /* a type of 5 bytes becomes some 500 */
    /* Names that do not begin with a dot are looked for in each scope outwards, which a
     * hostile file could make long. */
    SEARCHED_MAX = 64 << 20,
};

void schema_link_init(struct schema_link *link) {
    *link = (struct schema_link) {
        .pool = schema_pool_new(),
        .types = map_new(),
        .services = map_new(),
    };
}

void schema_link_done(struct schema_link *link) {
    schema_pool_free(link->pool);
    map_free(link->types);
    map_free(link->services);
    free(link->listed);
    free(link->why);
    *link = (struct schema_link) { 0 };
}

int schema_link_fail(struct schema_link *link, int r, const char *format, ...) {
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    free(link->why);
    link->why = buf_take_text(&text);
    return r;
}

static bool is_letter(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

bool schema_link_is_name(const char *name, bool with_dots) {
    bool begins = true;

    if (!name)
        return false;
    for (const char *at = name; *at; at++) {
        bool is_digit = *at >= '0' && *at <= '9';
        if (*at == '.' && with_dots && !begins) {
            begins = true;
            continue;
        }
        if (!is_letter(*at) && (begins || !is_digit))
            return false;
        begins = false;
    }
    return !begins;
}

const char *schema_link_short_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

/* Full names are bounded, or a long package name would be copied for each type. */
static const char *full_name(struct schema_link *link,
                             const char *scope,
                             const char *name) {
    if (!schema_link_is_name(name, false) ||
        strlen(scope) + strlen(name) >= NAME_LEN_MAX) {
        schema_link_fail(link, 0, "something in \"%.64s\" has no proper name", scope);
        return NULL;
    }
    return schema_pool_join(link->pool, scope, name);
}

static int add_type(struct schema_link *link,
                    const char *scope,
                    const char *name,
                    struct schema_type **ret_type) {
    const char *full = full_name(link, scope, name);

    if (!full)
        return SCHEMA_E_BAD;
    if (link->type_count++ == TYPES_MAX) {
        schema_link_fail(link, 0, "more than %d types", TYPES_MAX);
        return SCHEMA_E_TOO_BIG;
    }
    struct schema_type *type = schema_pool_get(link->pool, 1, sizeof(*type));
    type->name = full;
    type->package = link->package;
    type->is_proto3 = link->is_proto3;
    if (map_put(link->types, type->name, type)) {
        schema_link_fail(link, 0, "%s is there twice", type->name);
        return SCHEMA_E_BAD;
    }
    if (link->last)
        link->last->next = type;
    else
        link->first = type;
    link->last = type;
    *ret_type = type;
    return 0;
}

static int place_enums(struct schema_link *link,
                       const char *scope,
                       Google__Protobuf__EnumDescriptorProto *const *from,
                       size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct schema_type *type;
        int r = add_type(link, scope, from[i]->name, &type);
        if (r != 0)
            return r;
        type->values = schema_pool_get(link->pool, 1, sizeof(*type->values));
        type->enum_from = from[i];
    }
    return 0;
}

/* Nesting is limited: the file came through pb_unpack(). */
static int place_messages(struct schema_link *link,
                          const char *scope,
                          Google__Protobuf__DescriptorProto *const *from,
                          size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct schema_type *type;
        int r = add_type(link, scope, from[i]->name, &type);
        if (r != 0)
            return r;
        type->message = schema_pool_get(link->pool, 1, sizeof(*type->message));
        type->message_from = from[i];
        r = place_messages(link, type->name, from[i]->nested_type,
                           from[i]->n_nested_type);
        if (r == 0)
            r = place_enums(link, type->name, from[i]->enum_type, from[i]->n_enum_type);
        if (r != 0)
            return r;
    }
    return 0;
}

int schema_link_place(struct schema_link *link,
                      const Google__Protobuf__FileDescriptorProto *file) {
    const char *package = file->package ? file->package : "";
    const char *syntax = file->syntax && *file->syntax ? file->syntax : "proto2";

    link->is_proto3 = strcmp(syntax, "proto3") == 0;
    if (!link->is_proto3 && strcmp(syntax, "proto2") != 0)
        return schema_link_fail(link, SCHEMA_E_BAD,
                                strcmp(syntax, "editions") == 0
                                    ? "a file is of an edition of protobuf; only proto2 "
                                      "and proto3 are read"
                                    : "a file is neither proto2 nor proto3");
    if (*package &&
        (!schema_link_is_name(package, true) || strlen(package) >= NAME_LEN_MAX))
        return schema_link_fail(link, SCHEMA_E_BAD, "a file has no proper package name");
    link->package = schema_pool_text(link->pool, package);
    int r = place_messages(link, package, file->message_type, file->n_message_type);
    if (r != 0)
        return r;
    return place_enums(link, package, file->enum_type, file->n_enum_type);
}

int schema_link_fill(struct schema_link *link) {
    for (struct schema_type *type = link->first; type; type = type->next) {
        int r = type->message ? schema_message_fill(link, type)
                              : schema_enum_fill(link, type);
        if (r != 0)
            return r;
    }
    return 0;
}

/* Looks for SCOPE.NAME. */
static const struct schema_type *look_in(struct schema_link *link,
                                         struct slice scope,
                                         const char *name) {
    struct buf full = { 0 };

    buf_add_slice(&full, scope);
    if (scope.len > 0)
        buf_add_byte(&full, '.');
    buf_add_text(&full, name);
    link->searched += full.len;
    const struct schema_type *found = map_get(link->types, buf_text(&full));
    buf_done(&full);
    return found;
}

const struct schema_type *schema_link_find(struct schema_link *link,
                                           const char *scope,
                                           const char *name) {
    const struct schema_type *found = NULL;

    if (!name || strlen(name) > NAME_LEN_MAX)
        return NULL;
    if (*name == '.')
        return map_get(link->types, name + 1);
    for (size_t len = strlen(scope); !found && link->searched < SEARCHED_MAX; len--) {
        if (len == 0 || scope[len] == '\0' || scope[len] == '.')
            found = look_in(link, slice_of(scope, len), name);
        if (len == 0)
            break;
    }
    return found;
}

static const ProtobufCMessageDescriptor *find_message(struct schema_link *link,
                                                      const char *scope,
                                                      const char *name) {
    const struct schema_type *type = schema_link_find(link, scope, name);
    return type ? type->message : NULL;
}

static int fill_method(struct schema_link *link,
                       const char *service,
                       const Google__Protobuf__MethodDescriptorProto *from,
                       struct schema_method *method) {
    if (!schema_link_is_name(from->name, false))
        return schema_link_fail(link, SCHEMA_E_BAD, "a method of %s has no proper name",
                                service);
    method->name = schema_pool_text(link->pool, from->name);
    method->input = find_message(link, service, from->input_type);
    method->output = find_message(link, service, from->output_type);
    method->client_streaming = from->client_streaming;
    method->server_streaming = from->server_streaming;
    if (method->input && method->output)
        return 0;
    return schema_link_fail(link, SCHEMA_E_MISSING, "a type of %s/%s is not there",
                            service, method->name);
}

static int add_service(struct schema_link *link,
                       const char *package,
                       const Google__Protobuf__ServiceDescriptorProto *from,
                       struct schema_service *service) {
    if (!schema_link_is_name(from->name, false))
        return schema_link_fail(link, SCHEMA_E_BAD,
                                "a service in \"%s\" has no proper name", package);
    service->name = schema_pool_join(link->pool, package, from->name);
    if (map_get(link->types, service->name) ||
        map_put(link->services, service->name, service))
        return schema_link_fail(link, SCHEMA_E_BAD, "%s is there twice", service->name);

    service->methods =
        schema_pool_get(link->pool, from->n_method, sizeof(*service->methods));
    service->method_count = from->n_method;
    struct map *names = map_new();
    int r = 0;
    for (size_t i = 0; r == 0 && i < from->n_method; i++) {
        struct schema_method *method = &service->methods[i];
        r = fill_method(link, service->name, from->method[i], method);
        if (r == 0 && map_put(names, method->name, method))
            r = schema_link_fail(link, SCHEMA_E_BAD, "%s/%s is there twice",
                                 service->name, method->name);
    }
    map_free(names);
    return r;
}

int schema_link_services(struct schema_link *link,
                         const Google__Protobuf__FileDescriptorProto *file) {
    const char *package = file->package ? file->package : "";

    if (file->n_service == 0)
        return 0;
    link->listed = mem_grow(link->listed, (link->listed_count + file->n_service) *
                                              sizeof(link->listed[0]));
    for (size_t i = 0; i < file->n_service; i++) {
        struct schema_service *service = schema_pool_get(link->pool, 1, sizeof(*service));
        int r = add_service(link, package, file->service[i], service);
        if (r != 0)
            return r;
        link->listed[link->listed_count++] = service;
    }
    return 0;
}
