#include "wire/schema_enum.h"

#include <stdlib.h>
#include <string.h>

/* A value and its place in the file. */
struct ranked {
    ProtobufCEnumValue value;
    size_t order;
};

/* By number; the first of several names of a number stays the first. */
static int by_number(const void *a, const void *b) {
    const struct ranked *one = a;
    const struct ranked *two = b;

    if (one->value.value != two->value.value)
        return one->value.value < two->value.value ? -1 : 1;
    return one->order < two->order ? -1 : one->order > two->order;
}

static int by_name(const void *a, const void *b) {
    const ProtobufCEnumValueIndex *one = a;
    const ProtobufCEnumValueIndex *two = b;
    return strcmp(one->name, two->name);
}

/* Makes an array of all values, sorted, aliases too. */
static struct ranked *sort_values(struct schema_link *link,
                                  const struct schema_type *type) {
    const Google__Protobuf__EnumDescriptorProto *from = type->enum_from;
    struct ranked *all = schema_pool_get(link->pool, from->n_value, sizeof(*all));

    for (size_t i = 0; i < from->n_value; i++) {
        const Google__Protobuf__EnumValueDescriptorProto *value = from->value[i];
        if (!schema_link_is_name(value->name, false)) {
            schema_link_fail(link, 0, "a value of %s has no proper name", type->name);
            return NULL;
        }
        const char *name = schema_pool_text(link->pool, value->name);
        all[i] = (struct ranked) { { name, name, value->number }, i };
    }
    qsort(all, from->n_value, sizeof(*all), by_number);
    return all;
}

/* Keeps the first name of each number in values[]; names[] gets all. */
static unsigned fold(const struct ranked *all,
                     size_t count,
                     ProtobufCEnumValue *values,
                     ProtobufCEnumValueIndex *names) {
    unsigned kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || values[kept - 1].value != all[i].value.value)
            values[kept++] = all[i].value;
        names[i] = (ProtobufCEnumValueIndex) { all[i].value.name, kept - 1 };
    }
    return kept;
}

static unsigned find_ranges(const ProtobufCEnumValue *values,
                            unsigned count,
                            ProtobufCIntRange *ranges) {
    unsigned found = 0;

    for (unsigned i = 0; i < count; i++) {
        bool follows = i > 0 && (int64_t)values[i - 1].value + 1 == values[i].value;
        if (!follows)
            ranges[found++] = (ProtobufCIntRange) { values[i].value, i };
    }
    ranges[found] = (ProtobufCIntRange) { 0, count };
    return found;
}

int schema_enum_fill(struct schema_link *link, struct schema_type *type) {
    size_t count = type->enum_from->n_value;

    if (count == 0)
        return schema_link_fail(link, SCHEMA_E_BAD, "%s has no values", type->name);
    const struct ranked *all = sort_values(link, type);
    if (!all)
        return SCHEMA_E_BAD;

    ProtobufCEnumValue *values = schema_pool_get(link->pool, count, sizeof(*values));
    ProtobufCEnumValueIndex *names = schema_pool_get(link->pool, count, sizeof(*names));
    unsigned kept = fold(all, count, values, names);
    qsort(names, count, sizeof(*names), by_name);
    for (size_t i = 1; i < count; i++)
        if (strcmp(names[i - 1].name, names[i].name) == 0)
            return schema_link_fail(link, SCHEMA_E_BAD, "%s has %s twice", type->name,
                                    names[i].name);
    ProtobufCIntRange *ranges = schema_pool_get(link->pool, kept + 1, sizeof(*ranges));
    *type->values = (ProtobufCEnumDescriptor) {
        .magic = PROTOBUF_C__ENUM_DESCRIPTOR_MAGIC,
        .name = type->name,
        .short_name = schema_link_short_name(type->name),
        .c_name = type->name,
        .package_name = type->package,
        .n_values = kept,
        .values = values,
        .n_value_names = (unsigned)count,
        .values_by_name = names,
        .n_value_ranges = find_ranges(values, kept, ranges),
        .value_ranges = ranges,
    };
    return 0;
}
