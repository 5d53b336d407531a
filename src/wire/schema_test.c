#include "wire/schema.h"

#include <errno.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "everything.pb-c.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "wire/pb.h"
#include "wire/pbjson.h"
#include "wire/pbjson_rows.h"

/* The descriptor set of testdata/, made by protoc. */
static void read_set(struct buf *out) {
    FILE *file = fopen(TESTDATA_SET, "re");

    CHECK(file != NULL);
    size_t got = fread(buf_room(out, 1 << 20), 1, 1 << 20, file);
    buf_added(out, got);
    fclose(file);
}

static struct schema *everything_schema(void) {
    struct buf set = { 0 };
    struct schema *schema = schema_new();
    char *why = NULL;

    read_set(&set);
    CHECK_INT(schema_add_set(schema, buf_slice(&set)), 0);
    CHECK(schema_missing_import(schema) == NULL);
    if (schema_link(schema, &why) != 0)
        print_message("# %s\n", why);
    CHECK(why == NULL);
    buf_done(&set);
    return schema;
}

/* A file written as JSON: tests can say anything, also what protoc refuses. */
static void pack_file(struct buf *out, const char *json) {
    ProtobufCMessage *message = NULL;
    char *why = NULL;

    if (pbjson_read(&google__protobuf__file_descriptor_proto__descriptor,
                    slice_of_text(json), &message, &why) != 0)
        print_message("# %s\n", why);
    CHECK(message != NULL);
    pb_pack(out, message);
    pb_free(message);
}

static int add_json(struct schema *schema, const char *json) {
    struct buf bytes = { 0 };

    pack_file(&bytes, json);
    int r = schema_add_file(schema, buf_slice(&bytes));
    buf_done(&bytes);
    return r;
}

static struct schema *link_json(const char *json) {
    struct schema *schema = schema_new();
    char *why = NULL;

    CHECK_INT(add_json(schema, json), 0);
    if (schema_link(schema, &why) != 0)
        print_message("# %s\n", why);
    CHECK(why == NULL);
    return schema;
}

static void same_descriptor_up_to_layout(const ProtobufCMessageDescriptor *one,
                                         const ProtobufCMessageDescriptor *two) {
    CHECK_TEXT(one->name, two->name);
    CHECK_TEXT(one->short_name, two->short_name);
    CHECK_TEXT(one->package_name, two->package_name);
    CHECK_INT(one->n_fields, two->n_fields);
    CHECK_INT(one->n_field_ranges, two->n_field_ranges);
    for (unsigned i = 0; i < one->n_fields; i++) {
        const ProtobufCFieldDescriptor *a = &one->fields[i];
        const ProtobufCFieldDescriptor *b = &two->fields[i];
        CHECK_TEXT(a->name, b->name);
        CHECK_INT(a->id, b->id);
        CHECK_INT(a->type, b->type);
        CHECK_INT(a->label, b->label);
        CHECK_INT(a->flags, b->flags);
        CHECK_INT(one->fields_sorted_by_name[i], two->fields_sorted_by_name[i]);
        CHECK(protobuf_c_message_descriptor_get_field(one, a->id) == a);
        CHECK(protobuf_c_message_descriptor_get_field_by_name(one, a->name) == a);
    }
    for (unsigned i = 0; i <= one->n_field_ranges; i++) {
        CHECK_INT(one->field_ranges[i].start_value, two->field_ranges[i].start_value);
        CHECK_INT(one->field_ranges[i].orig_index, two->field_ranges[i].orig_index);
    }
}

static void types_are_as_the_compiler_makes_them(void) {
    struct schema *schema = everything_schema();
    const ProtobufCMessageDescriptor *all = schema_message_find(schema, "everything.All");

    same_descriptor_up_to_layout(all, &everything__all__descriptor);
    same_descriptor_up_to_layout(schema_message_find(schema, "everything.All.Inner"),
                                 &everything__all__inner__descriptor);
    CHECK(schema_message_find(schema, "everything.Colour") == NULL);
    CHECK(schema_message_find(schema, "Nope") == NULL);

    const ProtobufCEnumDescriptor *made =
        protobuf_c_message_descriptor_get_field_by_name(all, "f_colour")->descriptor;
    const ProtobufCEnumDescriptor *wanted = &everything__colour__descriptor;
    CHECK_INT(made->n_values, wanted->n_values);
    CHECK_INT(made->n_value_names, wanted->n_value_names);
    CHECK_INT(made->n_value_ranges, wanted->n_value_ranges);
    for (unsigned i = 0; i < made->n_values; i++) {
        CHECK_TEXT(made->values[i].name, wanted->values[i].name);
        CHECK_INT(made->values[i].value, wanted->values[i].value);
    }
    CHECK_INT(protobuf_c_enum_descriptor_get_value_by_name(made, "CRIMSON")->value, 1);
    CHECK(protobuf_c_enum_descriptor_get_value(made, 3) == NULL);
    schema_free(schema);
}

/* Reads with one type, writes with the other. */
static void check_row(const ProtobufCMessageDescriptor *from,
                      const ProtobufCMessageDescriptor *to,
                      const struct pbjson_row *row) {
    ProtobufCMessage *one = NULL;
    ProtobufCMessage *two = NULL;
    struct buf packed = { 0 };
    struct buf again = { 0 };
    struct buf text = { 0 };
    char *why = NULL;

    if (pbjson_read(from, slice_of_text(row->json), &one, &why) != 0)
        print_message("# %s\n", why);
    CHECK(one != NULL);
    pb_pack(&packed, one);
    CHECK_INT(pb_unpack(to, buf_slice(&packed), &two), 0);
    CHECK_INT(pbjson_write(&text, two, NULL, &why), 0);
    CHECK_TEXT(buf_text(&text), row->again ? row->again : row->json);
    pb_pack(&again, two);
    CHECK(slice_equal(buf_slice(&packed), buf_slice(&again)));
    pb_free(one);
    pb_free(two);
    buf_done(&packed);
    buf_done(&again);
    buf_done(&text);
}

static void the_mapping_is_the_same_for_both_kinds_of_types(void) {
    struct schema *schema = everything_schema();
    const ProtobufCMessageDescriptor *made =
        schema_message_find(schema, "everything.All");

    for (size_t i = 0; i < sizeof(pbjson_rows) / sizeof(pbjson_rows[0]); i++) {
        print_message("# %s\n", pbjson_rows[i].json);
        check_row(made, &everything__all__descriptor, &pbjson_rows[i]);
        check_row(&everything__all__descriptor, made, &pbjson_rows[i]);
        check_row(made, made, &pbjson_rows[i]);
    }
    for (size_t i = 0; i < sizeof(pbjson_refusals) / sizeof(pbjson_refusals[0]); i++) {
        ProtobufCMessage *message = NULL;
        char *why = NULL;
        struct slice json = slice_of_text(pbjson_refusals[i].json);
        CHECK_INT(pbjson_read(made, json, &message, &why), PBJSON_E_BAD);
        CHECK_TEXT(why, pbjson_refusals[i].why);
        free(why);
    }
    schema_free(schema);
}

static void samples_are_the_same_for_both_kinds_of_types(void) {
    struct schema *schema = everything_schema();
    struct buf one = { 0 };
    struct buf two = { 0 };

    pbjson_sample(&one, schema_message_find(schema, "everything.All"), true);
    pbjson_sample(&two, &everything__all__descriptor, true);
    CHECK_TEXT(buf_text(&one), buf_text(&two));
    buf_done(&one);
    buf_done(&two);
    schema_free(schema);
}

static void presence_and_defaults_of_proto2_are_kept(void) {
    struct schema *schema = everything_schema();
    const ProtobufCMessageDescriptor *part = schema_message_find(schema, "old.Part");
    ProtobufCMessage *message = pb_new(part);
    static const struct pbjson_row rows[] = {
        { "{\"name\":\"\"}", 0 },
        { "{\"name\":\"x\",\"count\":0,\"label\":\"\",\"raw\":\"\",\"size\":\"SMALL\"}",
          0 },
        { "{\"name\":\"x\",\"on\":false,\"ratio\":0,\"big\":\"0\",\"plain\":\"0\"}", 0 },
        { "{\"name\":\"x\",\"packed\":[1,-1],\"loose\":[1,-1],\"part\":{\"name\":\"\"}}",
          0 },
    };

    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(part, "raw");
    const ProtobufCBinaryData *raw =
        (const void *)((const uint8_t *)message + field->offset);
    CHECK_INT(raw->len, 3);
    CHECK(memcmp(raw->data, "\001\377x", 3) == 0);
    field = protobuf_c_message_descriptor_get_field_by_name(part, "label");
    CHECK_TEXT(*(char **)((uint8_t *)message + field->offset), "a \"label\"");
    field = protobuf_c_message_descriptor_get_field_by_name(part, "big");
    CHECK(*(uint64_t *)((uint8_t *)message + field->offset) == UINT64_MAX);
    pb_free(message);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_row(part, part, &rows[i]);
    schema_free(schema);
}

/* protoc-c does not know these. */
static void proto3_optional_has_presence(void) {
    struct schema *schema = link_json(
        "{\"name\":\"a.proto\",\"syntax\":\"proto3\",\"messageType\":[{\"name\":\"M\","
        "\"oneofDecl\":[{\"name\":\"_n\"},{\"name\":\"_s\"},{\"name\":\"_b\"}],\"field\":"
        "["
        "{\"name\":\"n\",\"number\":3,\"type\":\"TYPE_INT32\",\"oneofIndex\":0,"
        "\"proto3Optional\":true},"
        "{\"name\":\"s\",\"number\":1,\"type\":\"TYPE_STRING\",\"oneofIndex\":1,"
        "\"proto3Optional\":true},"
        "{\"name\":\"b\",\"number\":2,\"type\":\"TYPE_BYTES\",\"oneofIndex\":2,"
        "\"proto3Optional\":true},"
        "{\"name\":\"renamed\",\"number\":9,\"type\":\"TYPE_BOOL\",\"jsonName\":\"@x\"}"
        "]}]}");
    const ProtobufCMessageDescriptor *type = schema_message_find(schema, "M");
    static const struct pbjson_row rows[] = {
        { "{}", 0 },
        { "{\"s\":\"\",\"b\":\"\",\"n\":0}", 0 },
        { "{\"s\":\"x\",\"b\":\"AA==\",\"n\":1,\"@x\":true}", 0 },
        { "{\"renamed\":true}", "{\"@x\":true}" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_row(type, type, &rows[i]);
    schema_free(schema);
}

static void services_are_found_by_name(void) {
    struct schema *schema = link_json(
        "{\"name\":\"a.proto\",\"package\":\"p.q\",\"syntax\":\"proto3\","
        "\"messageType\":[{\"name\":\"In\"},{\"name\":\"Out\"}],\"service\":["
        "{\"name\":\"One\",\"method\":[{\"name\":\"Get\",\"inputType\":\".p.q.In\","
        "\"outputType\":\"Out\"},{\"name\":\"Watch\",\"inputType\":\"q.In\","
        "\"outputType\":\"p.q.Out\",\"serverStreaming\":true}]},{\"name\":\"Two\"}]}");

    CHECK_INT(schema_service_count(schema), 2);
    CHECK_TEXT(schema_service_at(schema, 1)->name, "p.q.Two");
    const struct schema_service *one = schema_service_find(schema, "p.q.One");
    CHECK(one == schema_service_at(schema, 0));
    CHECK(schema_service_find(schema, "One") == NULL);
    CHECK(schema_method_find(one, "Put") == NULL);
    const struct schema_method *watch = schema_method_find(one, "Watch");
    CHECK(watch->server_streaming && !watch->client_streaming);
    CHECK(watch->input == schema_message_find(schema, "p.q.In"));
    CHECK(watch->output == schema_message_find(schema, "p.q.Out"));
    schema_free(schema);
}

static void files_may_come_in_any_order(void) {
    struct schema *schema = schema_new();
    char *why = NULL;

    CHECK_INT(
        add_json(schema,
                 "{\"name\":\"b\",\"dependency\":[\"a\"],\"messageType\":[{\"name\":"
                 "\"B\",\"field\":[{\"name\":\"a\",\"number\":1,\"typeName\":\".A\"}]"
                 "}]}"),
        0);
    CHECK_TEXT(schema_missing_import(schema), "a");
    CHECK_INT(schema_link(schema, &why), SCHEMA_E_MISSING);
    CHECK_TEXT(why, "B.a: its type is not there");
    free(why);
    CHECK(schema_message_find(schema, "B") == NULL);
    CHECK_INT(schema_service_count(schema), 0);
    CHECK_INT(add_json(schema, "{\"name\":\"a\",\"messageType\":[{\"name\":\"A\"}]}"), 0);
    CHECK_INT(add_json(schema, "{\"name\":\"a\",\"messageType\":[{\"name\":\"X\"}]}"), 0);
    CHECK(schema_missing_import(schema) == NULL);
    CHECK_INT(schema_link(schema, &why), 0);
    CHECK(schema_message_find(schema, "B")->fields[0].descriptor ==
          schema_message_find(schema, "A"));
    schema_free(schema);
}

static void groups_are_left_out(void) {
    struct schema *schema = link_json(
        "{\"name\":\"a\",\"messageType\":[{\"name\":\"M\",\"field\":[{\"name\":\"g\","
        "\"number\":1,\"type\":\"TYPE_GROUP\",\"typeName\":\".M\"},{\"name\":\"n\","
        "\"number\":2,\"type\":\"TYPE_INT32\"}]}]}");
    const ProtobufCMessageDescriptor *type = schema_message_find(schema, "M");

    CHECK_INT(type->n_fields, 1);
    CHECK_TEXT(type->fields[0].name, "n");
    schema_free(schema);
}

/* What stands between the brackets of a message's fields, or another part of a file. */
#define FIELDS(text)                                                                     \
    "{\"name\":\"a\",\"messageType\":[{\"name\":\"M\",\"oneofDecl\":[{\"name\":\"o\"}]," \
    "\"field\":[" text "]}]}"

static void inconsistent_files_are_refused(void) {
    static const struct {
        const char *json;
        int wanted;
        const char *why;
    } rows[] = {
        { FIELDS("{\"name\":\"a\",\"number\":1,\"type\":\"TYPE_BOOL\"},"
                 "{\"name\":\"b\",\"number\":1,\"type\":\"TYPE_BOOL\"}"),
          SCHEMA_E_BAD, "M has the number 1 twice" },
        { FIELDS("{\"name\":\"a\",\"number\":1,\"type\":\"TYPE_BOOL\"},"
                 "{\"name\":\"a\",\"number\":2,\"type\":\"TYPE_BOOL\"}"),
          SCHEMA_E_BAD, "M has a twice" },
        { FIELDS("{\"name\":\"a\",\"number\":0,\"type\":\"TYPE_BOOL\"}"), SCHEMA_E_BAD,
          "M.a has a number out of range" },
        { FIELDS("{\"name\":\"a\",\"number\":-1,\"type\":\"TYPE_BOOL\"}"), SCHEMA_E_BAD,
          "M.a has a number out of range" },
        { FIELDS("{\"name\":\"a\",\"number\":536870912,\"type\":\"TYPE_BOOL\"}"),
          SCHEMA_E_BAD, "M.a has a number out of range" },
        { FIELDS("{\"name\":\"a\",\"number\":1,\"type\":19}"), SCHEMA_E_BAD,
          "M.a is of an unknown kind" },
        { FIELDS("{\"name\":\"a\",\"number\":1,\"type\":-1}"), SCHEMA_E_BAD,
          "M.a is of an unknown kind" },
        { FIELDS("{\"name\":\"a\",\"number\":1}"), SCHEMA_E_BAD, "M.a has no type" },
        { FIELDS("{\"name\":\"\",\"number\":1,\"type\":\"TYPE_BOOL\"}"), SCHEMA_E_BAD,
          "a field of M has no proper name" },
        { FIELDS("{\"name\":\"a.b\",\"number\":1,\"type\":\"TYPE_BOOL\"}"), SCHEMA_E_BAD,
          "a field of M has no proper name" },
        { FIELDS("{\"number\":1,\"type\":\"TYPE_BOOL\"}"), SCHEMA_E_BAD,
          "a field of M has no proper name" },
        { FIELDS("{\"name\":\"a\",\"number\":1,\"type\":\"TYPE_BOOL\",\"oneofIndex\":1}"),
          SCHEMA_E_BAD, "M.a is in a oneof that is not there" },
        { FIELDS(
              "{\"name\":\"a\",\"number\":1,\"type\":\"TYPE_BOOL\",\"oneofIndex\":-1}"),
          SCHEMA_E_BAD, "M.a is in a oneof that is not there" },
        { FIELDS("{\"name\":\"a\",\"number\":1,\"type\":\"TYPE_BOOL\",\"oneofIndex\":0,"
                 "\"label\":\"LABEL_REPEATED\"}"),
          SCHEMA_E_BAD, "M.a is repeated and in a oneof" },
        { FIELDS(
              "{\"name\":\"a\",\"number\":1,\"type\":\"TYPE_ENUM\",\"typeName\":\".M\"}"),
          SCHEMA_E_BAD, "M.a is of a type of another kind" },
        { FIELDS("{\"name\":\"a\",\"number\":1,\"type\":\"TYPE_MESSAGE\"}"),
          SCHEMA_E_MISSING, "M.a: its type is not there" },
        { FIELDS("{\"name\":\"a\",\"number\":1,\"typeName\":\".N\"}"), SCHEMA_E_MISSING,
          "M.a: its type is not there" },
        { FIELDS("{\"name\":\"a\",\"number\":1,\"type\":\"TYPE_INT32\",\"defaultValue\":"
                 "\"x\"}"),
          SCHEMA_E_BAD, "M.a has a wrong default" },
        { FIELDS("{\"name\":\"a\",\"number\":1,\"type\":\"TYPE_BYTES\",\"defaultValue\":"
                 "\"\\\\\"}"),
          SCHEMA_E_BAD, "M.a has a wrong default" },
        { "{\"name\":\"a\",\"messageType\":[{\"name\":\"M\"},{\"name\":\"M\"}]}",
          SCHEMA_E_BAD, "M is there twice" },
        { "{\"name\":\"a\",\"messageType\":[{\"name\":\"M\"}],\"enumType\":[{\"name\":"
          "\"M\"}]}",
          SCHEMA_E_BAD, "M is there twice" },
        { "{\"name\":\"a\",\"messageType\":[{}]}", SCHEMA_E_BAD,
          "something in \"\" has no proper name" },
        { "{\"name\":\"a\",\"enumType\":[{\"name\":\"E\"}]}", SCHEMA_E_BAD,
          "E has no values" },
        { "{\"name\":\"a\",\"enumType\":[{\"name\":\"E\",\"value\":[{\"name\":\"A\"},"
          "{\"name\":\"A\",\"number\":1}]}]}",
          SCHEMA_E_BAD, "E has A twice" },
        { "{\"name\":\"a\",\"enumType\":[{\"name\":\"E\",\"value\":[{\"number\":1}]}]}",
          SCHEMA_E_BAD, "a value of E has no proper name" },
        { "{\"name\":\"a\",\"syntax\":\"editions\"}", SCHEMA_E_BAD,
          "a file is of an edition of protobuf; only proto2 and proto3 are read" },
        { "{\"name\":\"a\",\"syntax\":\"proto4\"}", SCHEMA_E_BAD,
          "a file is neither proto2 nor proto3" },
        { "{\"name\":\"a\",\"package\":\".\"}", SCHEMA_E_BAD,
          "a file has no proper package name" },
        { "{\"name\":\"a\",\"service\":[{\"name\":\"S\"},{\"name\":\"S\"}]}",
          SCHEMA_E_BAD, "S is there twice" },
        { "{\"name\":\"a\",\"messageType\":[{\"name\":\"S\"}],\"service\":[{\"name\":"
          "\"S\"}]}",
          SCHEMA_E_BAD, "S is there twice" },
        { "{\"name\":\"a\",\"service\":[{\"name\":\"S\",\"method\":[{\"name\":\"M\"}]}]}",
          SCHEMA_E_MISSING, "a type of S/M is not there" },
        { "{\"name\":\"a\",\"messageType\":[{\"name\":\"T\"}],\"service\":[{\"name\":"
          "\"S\","
          "\"method\":[{\"name\":\"M\",\"inputType\":\"T\",\"outputType\":\"T\"},{"
          "\"name\":\"M\","
          "\"inputType\":\"T\",\"outputType\":\"T\"}]}]}",
          SCHEMA_E_BAD, "S/M is there twice" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct schema *schema = schema_new();
        char *why = NULL;
        print_message("# %s\n", rows[i].why);
        CHECK_INT(add_json(schema, rows[i].json), 0);
        CHECK_INT(schema_link(schema, &why), rows[i].wanted);
        CHECK_TEXT(why, rows[i].why);
        free(why);
        schema_free(schema);
    }
}

static void long_names_are_refused(void) {
    struct schema *schema = schema_new();
    struct buf json = { 0 };
    char *why = NULL;

    buf_add_text(&json, "{\"name\":\"a\",\"package\":\"");
    for (size_t i = 0; i < 100000; i++)
        buf_add_text(&json, "a.");
    buf_add_text(&json, "a\"}");
    CHECK_INT(add_json(schema, buf_text(&json)), 0);
    CHECK_INT(schema_link(schema, &why), SCHEMA_E_BAD);
    free(why);
    buf_done(&json);
    schema_free(schema);
}

static void more_than_a_megabyte_is_refused(void) {
    struct schema *schema = schema_new();
    struct buf bytes = { 0 };

    memset(buf_room(&bytes, (1 << 20) + 1), 0, (1 << 20) + 1);
    buf_added(&bytes, (1 << 20) + 1);
    CHECK_INT(schema_add_file(schema, buf_slice(&bytes)), SCHEMA_E_TOO_BIG);
    CHECK_INT(schema_add_set(schema, buf_slice(&bytes)), SCHEMA_E_TOO_BIG);
    buf_clear(&bytes);
    /* Empty messages by the thousand. */
    buf_add_text(&bytes, "\x0a\x01"
                         "a");
    while (bytes.len < 500000)
        buf_add(&bytes, "\x22\x00", 2);
    CHECK_INT(schema_add_file(schema, buf_slice(&bytes)), SCHEMA_E_TOO_BIG);
    buf_done(&bytes);
    schema_free(schema);
}

static void truncated_and_changed_sets_do_no_harm(void) {
    struct buf set = { 0 };
    size_t linked = 0;

    read_set(&set);
    /* A quarter of them, spread: each takes a whole link. */
    for (size_t i = 0; i < set.len; i += 7) {
        struct schema *schema = schema_new();
        uint8_t *copy = mem_dup(set.data, set.len);
        char *why = NULL;
        size_t len = i % 2 ? i : set.len;
        copy[i] = (uint8_t)(copy[i] ^ 1 << i % 8);
        if (schema_add_set(schema, slice_of(copy, len)) == 0 &&
            schema_link(schema, &why) == 0)
            linked++;
        free(why);
        free(copy);
        schema_free(schema);
    }
    CHECK(linked > 0);
    buf_done(&set);
}

TESTS(TEST(types_are_as_the_compiler_makes_them),
      TEST(the_mapping_is_the_same_for_both_kinds_of_types),
      TEST(samples_are_the_same_for_both_kinds_of_types),
      TEST(presence_and_defaults_of_proto2_are_kept),
      TEST(proto3_optional_has_presence),
      TEST(services_are_found_by_name),
      TEST(files_may_come_in_any_order),
      TEST(groups_are_left_out),
      TEST(inconsistent_files_are_refused),
      TEST(long_names_are_refused),
      TEST(more_than_a_megabyte_is_refused),
      TEST(truncated_and_changed_sets_do_no_harm))
