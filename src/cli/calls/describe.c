#include "cli/calls/describe.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "wire/pbjson.h"

enum { TYPES_MAX = 500 }; /* more than anybody wants to read */

void describe_add_method(struct buf *out, const struct schema_method *method) {
    buf_printf(out, "rpc %s(%s%s) returns (%s%s)", method->name,
               method->client_streaming ? "stream " : "", method->input->name,
               method->server_streaming ? "stream " : "", method->output->name);
}

void describe_add_service(struct buf *out, const struct schema_service *service) {
    buf_printf(out, "service %s {\n", service->name);
    for (size_t i = 0; i < service->method_count; i++) {
        buf_add_text(out, "  ");
        describe_add_method(out, &service->methods[i]);
        buf_add_text(out, ";\n");
    }
    buf_add_text(out, "}\n");
}

static const char *scalar_name(ProtobufCType type) {
    static const char *const names[] = {
        [PROTOBUF_C_TYPE_INT32] = "int32",       [PROTOBUF_C_TYPE_SINT32] = "sint32",
        [PROTOBUF_C_TYPE_SFIXED32] = "sfixed32", [PROTOBUF_C_TYPE_INT64] = "int64",
        [PROTOBUF_C_TYPE_SINT64] = "sint64",     [PROTOBUF_C_TYPE_SFIXED64] = "sfixed64",
        [PROTOBUF_C_TYPE_UINT32] = "uint32",     [PROTOBUF_C_TYPE_FIXED32] = "fixed32",
        [PROTOBUF_C_TYPE_UINT64] = "uint64",     [PROTOBUF_C_TYPE_FIXED64] = "fixed64",
        [PROTOBUF_C_TYPE_FLOAT] = "float",       [PROTOBUF_C_TYPE_DOUBLE] = "double",
        [PROTOBUF_C_TYPE_BOOL] = "bool",         [PROTOBUF_C_TYPE_ENUM] = "enum",
        [PROTOBUF_C_TYPE_STRING] = "string",     [PROTOBUF_C_TYPE_BYTES] = "bytes",
        [PROTOBUF_C_TYPE_MESSAGE] = "message",
    };
    return (unsigned)type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}

static const char *type_name(const ProtobufCFieldDescriptor *field) {
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return ((const ProtobufCMessageDescriptor *)field->descriptor)->name;
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        return ((const ProtobufCEnumDescriptor *)field->descriptor)->name;
    return scalar_name(field->type);
}

/* What was described, and what is still to be. */
struct walk {
    struct buf *out;
    struct map *seen; /* owned */
    const ProtobufCMessageDescriptor *queue[TYPES_MAX];
    size_t head;
    size_t tail;
};

static void enqueue(struct walk *walk, const ProtobufCMessageDescriptor *type) {
    if (walk->tail == TYPES_MAX || map_get(walk->seen, type->name))
        return;
    map_put(walk->seen, type->name, (void *)(uintptr_t)type);
    walk->queue[walk->tail++] = type;
}

static void add_enum(struct walk *walk, const ProtobufCEnumDescriptor *type) {
    if (map_get(walk->seen, type->name))
        return;
    map_put(walk->seen, type->name, (void *)(uintptr_t)type);
    buf_printf(walk->out, "\nenum %s {\n", type->name);
    for (unsigned i = 0; i < type->n_values; i++)
        buf_printf(walk->out, "  %s = %d;\n", type->values[i].name,
                   type->values[i].value);
    buf_add_text(walk->out, "}\n");
}

static void add_field(struct walk *walk, const ProtobufCFieldDescriptor *field) {
    const char *label = field->label == PROTOBUF_C_LABEL_REPEATED   ? "repeated "
                        : field->label == PROTOBUF_C_LABEL_REQUIRED ? "required "
                                                                    : "";
    buf_printf(walk->out, "  %s%s %s = %u;", label, type_name(field), field->name,
               field->id);
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        buf_add_text(walk->out, " // one of several");
    buf_add_byte(walk->out, '\n');
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        enqueue(walk, field->descriptor);
}

static void add_type(struct walk *walk, const ProtobufCMessageDescriptor *type) {
    buf_printf(walk->out, "\nmessage %s {\n", type->name);
    for (unsigned i = 0; i < type->n_fields; i++)
        add_field(walk, &type->fields[i]);
    buf_add_text(walk->out, "}\n");
    for (unsigned i = 0; i < type->n_fields; i++)
        if (type->fields[i].type == PROTOBUF_C_TYPE_ENUM)
            add_enum(walk, type->fields[i].descriptor);
}

static void run_walk(struct walk *walk) {
    while (walk->head < walk->tail)
        add_type(walk, walk->queue[walk->head++]);
    map_free(walk->seen);
}

void describe_add_types(struct buf *out, const struct schema_method *method) {
    struct walk walk = { .out = out, .seen = map_new() };

    enqueue(&walk, method->input);
    enqueue(&walk, method->output);
    run_walk(&walk);
    buf_add_text(out, "\n// a request as JSON\n");
    pbjson_sample(out, method->input, true);
    buf_add_byte(out, '\n');
}

void describe_add_message(struct buf *out, const ProtobufCMessageDescriptor *type) {
    struct buf types = { 0 };
    struct walk walk = { .out = &types, .seen = map_new() };

    enqueue(&walk, type);
    run_walk(&walk);
    buf_add_slice(out, slice_after(buf_slice(&types), 1)); /* an empty line */
    buf_done(&types);
}
