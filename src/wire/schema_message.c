#include "wire/schema_message.h"

#include <stdlib.h>
#include <string.h>

#include "wire/pb.h"
#include "wire/pbfield.h"
#include "wire/schema_default.h"

enum { NUMBER_MAX = (1 << 29) - 1 }; /* of a field, by the protobuf specification */

/* The members of a oneof share one place. */
struct choice {
    unsigned case_offset;
    unsigned offset;
};

struct layout {
    struct schema_link *link;       /* borrowed: the caller */
    const struct schema_type *type; /* borrowed: the link's pool */
    struct choice *choices;         /* owned by the pool */
    size_t size;                    /* of the struct so far */
};

/* In the order of FieldDescriptorProto.Type; groups are left out before. */
static const ProtobufCType types[] = {
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE] =
        PROTOBUF_C_TYPE_DOUBLE,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT] = PROTOBUF_C_TYPE_FLOAT,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT64] = PROTOBUF_C_TYPE_INT64,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT64] =
        PROTOBUF_C_TYPE_UINT64,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT32] = PROTOBUF_C_TYPE_INT32,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED64] =
        PROTOBUF_C_TYPE_FIXED64,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED32] =
        PROTOBUF_C_TYPE_FIXED32,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL] = PROTOBUF_C_TYPE_BOOL,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING] =
        PROTOBUF_C_TYPE_STRING,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE] =
        PROTOBUF_C_TYPE_MESSAGE,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES] = PROTOBUF_C_TYPE_BYTES,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT32] =
        PROTOBUF_C_TYPE_UINT32,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM] = PROTOBUF_C_TYPE_ENUM,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED32] =
        PROTOBUF_C_TYPE_SFIXED32,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64] =
        PROTOBUF_C_TYPE_SFIXED64,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT32] =
        PROTOBUF_C_TYPE_SINT32,
    [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64] =
        PROTOBUF_C_TYPE_SINT64,
};

static int fail_field(struct layout *layout,
                      const Google__Protobuf__FieldDescriptorProto *from,
                      const char *what) {
    return schema_link_fail(layout->link, SCHEMA_E_BAD, "%s.%s %s", layout->type->name,
                            from->name, what);
}

/* Takes len bytes of the struct, aligned to themselves, 8 at most. */
static unsigned take_place(struct layout *layout, size_t len) {
    size_t alignment = len < 8 ? len : 8;
    size_t at = (layout->size + alignment - 1) & ~(alignment - 1);

    layout->size = at + len;
    return (unsigned)at;
}

static bool is_group(const Google__Protobuf__FieldDescriptorProto *from) {
    return from->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_GROUP;
}

/* What the field refers to, and with it the type that the file may leave open. */
static int refer(struct layout *layout,
                 const Google__Protobuf__FieldDescriptorProto *from,
                 ProtobufCFieldDescriptor *field) {
    const struct schema_type *found =
        schema_link_find(layout->link, layout->type->name, from->type_name);

    if (!found)
        return schema_link_fail(layout->link, SCHEMA_E_MISSING,
                                "%s.%s: its type is not there", layout->type->name,
                                from->name);
    if (from->has_type && (field->type == PROTOBUF_C_TYPE_MESSAGE) != !!found->message)
        return fail_field(layout, from, "is of a type of another kind");
    field->type = found->message ? PROTOBUF_C_TYPE_MESSAGE : PROTOBUF_C_TYPE_ENUM;
    field->descriptor = found->message ? (const void *)found->message : found->values;
    return 0;
}

static int set_type(struct layout *layout,
                    const Google__Protobuf__FieldDescriptorProto *from,
                    ProtobufCFieldDescriptor *field) {
    int number = from->has_type ? (int)from->type : 0;

    if (number < 0 || (size_t)number >= sizeof(types) / sizeof(types[0]))
        return fail_field(layout, from, "is of an unknown kind");
    if (number == 0 && !from->type_name)
        return fail_field(layout, from, "has no type");
    field->type = types[number];
    if (number == 0 || field->type == PROTOBUF_C_TYPE_MESSAGE ||
        field->type == PROTOBUF_C_TYPE_ENUM)
        return refer(layout, from, field);
    return 0;
}

static bool is_packable(ProtobufCType type) {
    return type != PROTOBUF_C_TYPE_STRING && type != PROTOBUF_C_TYPE_BYTES &&
           type != PROTOBUF_C_TYPE_MESSAGE;
}

static void set_repeated(struct layout *layout,
                         const Google__Protobuf__FieldDescriptorProto *from,
                         ProtobufCFieldDescriptor *field) {
    bool packed = layout->type->is_proto3;

    if (from->options && from->options->has_packed)
        packed = from->options->packed;
    if (packed && is_packable(field->type))
        field->flags |= PROTOBUF_C_FIELD_FLAG_PACKED;
    field->label = PROTOBUF_C_LABEL_REPEATED;
    field->quantifier_offset = take_place(layout, sizeof(size_t));
    field->offset = take_place(layout, sizeof(void *));
}

static bool is_choice(const Google__Protobuf__FieldDescriptorProto *from) {
    return from->has_oneof_index && !from->proto3_optional;
}

static int set_choice(struct layout *layout,
                      const Google__Protobuf__FieldDescriptorProto *from,
                      ProtobufCFieldDescriptor *field) {
    if (from->oneof_index < 0 ||
        (size_t)from->oneof_index >= layout->type->message_from->n_oneof_decl)
        return fail_field(layout, from, "is in a oneof that is not there");

    struct choice *choice = &layout->choices[from->oneof_index];
    if (choice->offset == 0) {
        choice->case_offset = take_place(layout, sizeof(uint32_t));
        choice->offset = take_place(layout, sizeof(ProtobufCBinaryData));
    }
    field->label =
        layout->type->is_proto3 ? PROTOBUF_C_LABEL_NONE : PROTOBUF_C_LABEL_OPTIONAL;
    field->flags |= PROTOBUF_C_FIELD_FLAG_ONEOF;
    field->quantifier_offset = choice->case_offset;
    field->offset = choice->offset;
    return 0;
}

static bool is_pointer(ProtobufCType type) {
    return type == PROTOBUF_C_TYPE_STRING || type == PROTOBUF_C_TYPE_MESSAGE;
}

static int set_singular(struct layout *layout,
                        const Google__Protobuf__FieldDescriptorProto *from,
                        ProtobufCFieldDescriptor *field) {
    bool is_proto3 = layout->type->is_proto3;

    if (from->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REQUIRED)
        field->label = PROTOBUF_C_LABEL_REQUIRED;
    else if (is_proto3 && !from->proto3_optional)
        field->label = PROTOBUF_C_LABEL_NONE;
    else
        field->label = PROTOBUF_C_LABEL_OPTIONAL;
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !is_pointer(field->type))
        field->quantifier_offset = take_place(layout, sizeof(protobuf_c_boolean));
    field->offset = take_place(layout, pb_type_size(field->type));

    if (field->label == PROTOBUF_C_LABEL_NONE && field->type == PROTOBUF_C_TYPE_STRING)
        field->default_value = protobuf_c_empty_string;
    if (!from->default_value || is_proto3 || field->type == PROTOBUF_C_TYPE_MESSAGE)
        return 0;
    field->default_value =
        schema_default_parse(layout->link->pool, field, from->default_value);
    return field->default_value ? 0 : fail_field(layout, from, "has a wrong default");
}

/* The name in JSON, where it is not the one that follows from the name. */
static void set_json_name(struct layout *layout,
                          const Google__Protobuf__FieldDescriptorProto *from,
                          ProtobufCFieldDescriptor *field) {
    struct buf derived = { 0 };

    pbfield_add_json_name(&derived, field);
    if (from->json_name && !slice_is_text(buf_slice(&derived), from->json_name))
        field->reserved2 = schema_pool_text(layout->link->pool, from->json_name);
    buf_done(&derived);
}

static int set_field(struct layout *layout,
                     const Google__Protobuf__FieldDescriptorProto *from,
                     ProtobufCFieldDescriptor *field) {
    if (!schema_link_is_name(from->name, false))
        return schema_link_fail(layout->link, SCHEMA_E_BAD,
                                "a field of %s has no proper name", layout->type->name);
    if (from->number < 1 || from->number > NUMBER_MAX)
        return fail_field(layout, from, "has a number out of range");
    field->name = schema_pool_text(layout->link->pool, from->name);
    field->id = (uint32_t)from->number;
    int r = set_type(layout, from, field);
    if (r != 0)
        return r;

    set_json_name(layout, from, field);
    bool is_repeated =
        from->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;
    if (is_repeated && from->has_oneof_index)
        return fail_field(layout, from, "is repeated and in a oneof");
    if (is_choice(from))
        return set_choice(layout, from, field);
    if (!is_repeated)
        return set_singular(layout, from, field);
    set_repeated(layout, from, field);
    return 0;
}

static int by_number(const void *a, const void *b) {
    const ProtobufCFieldDescriptor *one = a;
    const ProtobufCFieldDescriptor *two = b;
    return one->id < two->id ? -1 : one->id > two->id;
}

/* What sort by name needs: the name beside the index. */
struct named {
    const char *name; /* borrowed: the field */
    unsigned index;
};

static int by_name(const void *a, const void *b) {
    const struct named *one = a;
    const struct named *two = b;
    return strcmp(one->name, two->name);
}

static int sort_fields(struct schema_link *link,
                       const struct schema_type *type,
                       ProtobufCFieldDescriptor *fields,
                       unsigned count) {
    qsort(fields, count, sizeof(*fields), by_number);
    for (unsigned i = 1; i < count; i++)
        if (fields[i - 1].id == fields[i].id)
            return schema_link_fail(link, SCHEMA_E_BAD, "%s has the number %u twice",
                                    type->name, fields[i].id);

    struct named *named = schema_pool_get(link->pool, count, sizeof(*named));
    unsigned *sorted = schema_pool_get(link->pool, count, sizeof(*sorted));
    for (unsigned i = 0; i < count; i++)
        named[i] = (struct named) { fields[i].name, i };
    qsort(named, count, sizeof(*named), by_name);
    for (unsigned i = 0; i < count; i++) {
        if (i > 0 && strcmp(named[i - 1].name, named[i].name) == 0)
            return schema_link_fail(link, SCHEMA_E_BAD, "%s has %s twice", type->name,
                                    named[i].name);
        sorted[i] = named[i].index;
    }
    type->message->fields_sorted_by_name = sorted;
    return 0;
}

static void set_ranges(struct schema_link *link, ProtobufCMessageDescriptor *message) {
    const ProtobufCFieldDescriptor *fields = message->fields;
    unsigned count = message->n_fields;
    ProtobufCIntRange *ranges = schema_pool_get(link->pool, count + 1, sizeof(*ranges));
    unsigned found = 0;

    for (unsigned i = 0; i < count; i++)
        if (i == 0 || fields[i].id != fields[i - 1].id + 1)
            ranges[found++] = (ProtobufCIntRange) { (int)fields[i].id, i };
    ranges[found] = (ProtobufCIntRange) { 0, count };
    message->field_ranges = ranges;
    message->n_field_ranges = found;
}

int schema_message_fill(struct schema_link *link, struct schema_type *type) {
    const Google__Protobuf__DescriptorProto *from = type->message_from;
    ProtobufCFieldDescriptor *fields =
        schema_pool_get(link->pool, from->n_field, sizeof(*fields));
    struct layout layout = { .link = link,
                             .type = type,
                             .size = sizeof(ProtobufCMessage) };
    unsigned count = 0;

    layout.choices =
        schema_pool_get(link->pool, from->n_oneof_decl, sizeof(*layout.choices));
    for (size_t i = 0; i < from->n_field; i++) {
        if (is_group(from->field[i]))
            continue;
        int r = set_field(&layout, from->field[i], &fields[count++]);
        if (r != 0)
            return r;
    }
    int r = sort_fields(link, type, fields, count);
    if (r != 0)
        return r;

    ProtobufCMessageDescriptor *message = type->message;
    message->magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC;
    message->name = type->name;
    message->short_name = schema_link_short_name(type->name);
    message->c_name = type->name;
    message->package_name = type->package;
    message->sizeof_message = (layout.size + 7) & ~(size_t)7;
    message->n_fields = count;
    message->fields = fields;
    set_ranges(link, message);
    return 0;
}
