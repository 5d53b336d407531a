#include "wire/pbfield.h"

#include "base/check.h"
#include "everything.pb-c.h"
#include "old.pb-c.h"
#include "wire/pb.h"
#include "wire/pbknown.h"

#define ALL (&everything__all__descriptor)

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *type,
                                                const char *name) {
    const ProtobufCFieldDescriptor *field = pbfield_find(type, slice_of_text(name));
    CHECK(field != NULL);
    return field;
}

static void every_field_is_found_by_both_names(void) {
    for (unsigned i = 0; i < ALL->n_fields; i++) {
        struct buf name = { 0 };
        pbfield_add_json_name(&name, &ALL->fields[i]);
        CHECK(pbfield_find(ALL, buf_slice(&name)) == &ALL->fields[i]);
        CHECK(field_of(ALL, ALL->fields[i].name) == &ALL->fields[i]);
        buf_done(&name);
    }
}

static void names_that_only_look_alike_are_not_found(void) {
    static const char *const rows[] = { "",        "f_Int32",  "FInt32",  "fint32",
                                        "fInt32 ", "f__int32", "_fInt32", "mixedCase" };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK(pbfield_find(ALL, slice_of_text(rows[i])) == NULL);
    CHECK(pbfield_find(ALL, slice_of("f_int32\0", 8)) == NULL);
    CHECK(pbfield_find(&google__protobuf__empty__descriptor, slice_of_text("a")) == NULL);
}

static void maps_are_told_from_lists(void) {
    size_t maps = 0;

    for (unsigned i = 0; i < ALL->n_fields; i++)
        maps += pbfield_is_map(ALL, &ALL->fields[i]);
    CHECK_INT(maps, 13);
    CHECK(!pbfield_is_map(ALL, field_of(ALL, "r_inner")));
    CHECK(!pbfield_is_map(&old__part__descriptor, field_of(ALL, "m_string_int32")));
}

static void what_is_set_is_known_to_be_set(void) {
    static const char *const types_with_presence[] = { "count", "label", "raw", "plain" };
    const ProtobufCMessageDescriptor *part = &old__part__descriptor;

    for (size_t i = 0; i < 4; i++) {
        ProtobufCMessage *message = pb_new(part);
        const ProtobufCFieldDescriptor *field = field_of(part, types_with_presence[i]);
        CHECK(pbfield_has_presence(field));
        CHECK(!pbfield_is_set(message, field));
        void *place = pbfield_set(message, field);
        if (field->type == PROTOBUF_C_TYPE_STRING)
            *(char **)place = calloc(1, 1);
        CHECK(pbfield_is_set(message, field));
        pb_free(message);
    }
}

static void repeated_fields_grow_and_keep_what_they_have(void) {
    ProtobufCMessage *message = pb_new(ALL);
    const ProtobufCFieldDescriptor *field = field_of(ALL, "r_int64");

    for (int64_t i = 0; i < 1000; i++)
        *(int64_t *)pbfield_set(message, field) = i;
    CHECK_INT(pbfield_count(message, field), 1000);
    for (size_t i = 0; i < 1000; i++)
        CHECK(*(const int64_t *)pbfield_element(message, field, i) == (int64_t)i);
    pb_free(message);
}

static void well_known_types_are_known_by_name_and_shape(void) {
    CHECK(pbknown_of(&google__protobuf__timestamp__descriptor) == PBKNOWN_STAMP);
    CHECK(pbknown_of(&google__protobuf__struct__descriptor) == PBKNOWN_STRUCT);
    CHECK(pbknown_of(&google__protobuf__value__descriptor) == PBKNOWN_VALUE);
    CHECK(pbknown_of(&google__protobuf__empty__descriptor) == PBKNOWN_NONE);
    CHECK(pbknown_of(ALL) == PBKNOWN_NONE);
    /* One that only carries the name. */
    ProtobufCMessageDescriptor impostor = *ALL;
    impostor.name = "google.protobuf.Timestamp";
    CHECK(pbknown_of(&impostor) == PBKNOWN_NONE);
    impostor = google__protobuf__string_value__descriptor;
    impostor.name = "google.protobuf.Int64Value";
    CHECK(pbknown_of(&impostor) == PBKNOWN_NONE);
    CHECK(pbknown_takes_null(field_of(ALL, "w_value")));
    CHECK(!pbknown_takes_null(field_of(ALL, "f_colour")));
}

TESTS(TEST(every_field_is_found_by_both_names),
      TEST(names_that_only_look_alike_are_not_found),
      TEST(maps_are_told_from_lists),
      TEST(what_is_set_is_known_to_be_set),
      TEST(repeated_fields_grow_and_keep_what_they_have),
      TEST(well_known_types_are_known_by_name_and_shape))
