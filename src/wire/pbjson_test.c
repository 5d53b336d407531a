#include "wire/pbjson.h"

#include "base/check.h"
#include "base/mem.h"
#include "everything.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/empty.pb-c.h"
#include "old.pb-c.h"
#include "roost/v1/nodes.pb-c.h"
#include "wire/pb.h"
#include "wire/pbjson_rows.h"

#define ALL  (&everything__all__descriptor)
#define PART (&old__part__descriptor)

static ProtobufCMessage *read_or_fail(const ProtobufCMessageDescriptor *type,
                                      struct slice json) {
    ProtobufCMessage *message = NULL;
    char *why = NULL;

    if (pbjson_read(type, json, &message, &why) != 0)
        print_message("# %s\n", why);
    CHECK(message != NULL);
    CHECK(why == NULL);
    return message;
}

static void check_written(const ProtobufCMessage *message,
                          const struct pbjson_style *style,
                          const char *wanted) {
    struct buf out = { 0 };
    char *why = NULL;

    CHECK_INT(pbjson_write(&out, message, style, &why), 0);
    CHECK_TEXT(buf_text(&out), wanted);
    buf_done(&out);
}

static void check_refused(const ProtobufCMessageDescriptor *type,
                          struct slice json,
                          const char *wanted) {
    ProtobufCMessage *message = NULL;
    char *why = NULL;

    CHECK_INT(pbjson_read(type, json, &message, &why), PBJSON_E_BAD);
    CHECK(message == NULL);
    if (wanted)
        CHECK_TEXT(why, wanted);
    free(why);
}

static void the_mapping_holds_in_both_directions(void) {
    for (size_t i = 0; i < sizeof(pbjson_rows) / sizeof(pbjson_rows[0]); i++) {
        const struct pbjson_row *row = &pbjson_rows[i];
        struct buf packed = { 0 };
        ProtobufCMessage *again = NULL;

        print_message("# %s\n", row->json);
        ProtobufCMessage *message = read_or_fail(ALL, slice_of_text(row->json));
        check_written(message, NULL, row->again ? row->again : row->json);
        pb_pack(&packed, message);
        CHECK_INT(pb_unpack(ALL, buf_slice(&packed), &again), 0);
        check_written(again, NULL, row->again ? row->again : row->json);
        pb_free(message);
        pb_free(again);
        buf_done(&packed);
    }
}

static void what_the_mapping_does_not_allow_is_refused(void) {
    size_t count = sizeof(pbjson_refusals) / sizeof(pbjson_refusals[0]);

    for (size_t i = 0; i < count; i++) {
        print_message("# %s\n", pbjson_refusals[i].json);
        check_refused(ALL, slice_of_text(pbjson_refusals[i].json),
                      pbjson_refusals[i].why);
    }
}

/* Each prefix of each row, in memory that ends where it ends. */
static void truncated_json_is_refused(void) {
    for (size_t i = 0; i < sizeof(pbjson_rows) / sizeof(pbjson_rows[0]); i++) {
        const char *json = pbjson_rows[i].json;
        for (size_t len = 0; json[len] && strcmp(json + len, " ") != 0; len++) {
            uint8_t *copy = mem_grow(NULL, len);
            memcpy(copy, json, len);
            check_refused(ALL, slice_of(copy, len), NULL);
            free(copy);
        }
    }
}

/* Levels of {"one": ... } around an Inner. */
static void add_nested(struct buf *out, size_t levels) {
    for (size_t i = 0; i < levels; i++)
        buf_add_text(out, "{\"one\":");
    buf_add_text(out, "{}");
    for (size_t i = 0; i < levels; i++)
        buf_add_text(out, "}");
}

static void nesting_is_limited_as_on_the_wire(void) {
    const ProtobufCMessageDescriptor *inner = &everything__all__inner__descriptor;
    struct buf json = { 0 };

    add_nested(&json, PB_DEPTH_MAX - 1);
    ProtobufCMessage *message = read_or_fail(inner, buf_slice(&json));
    check_written(message, NULL, buf_text(&json));
    pb_free(message);
    buf_clear(&json);
    add_nested(&json, PB_DEPTH_MAX);
    check_refused(inner, buf_slice(&json), "nests more than 64 levels deep");
    buf_clear(&json);
    add_nested(&json, 100000);
    check_refused(inner, buf_slice(&json), NULL);
    buf_done(&json);
}

/* Whatever the reader takes for a Value, the guard on the other side takes too. */
static void values_nest_no_deeper_than_they_unpack(void) {
    const ProtobufCMessageDescriptor *value = &google__protobuf__value__descriptor;

    for (size_t levels = 1; levels < 100; levels++) {
        for (size_t kind = 0; kind < 2; kind++) {
            struct buf json = { 0 };
            struct buf packed = { 0 };
            ProtobufCMessage *message = NULL;
            ProtobufCMessage *again = NULL;
            char *why = NULL;
            for (size_t i = 0; i < levels; i++)
                buf_add_text(&json, kind ? "{\"a\":" : "[");
            buf_add_text(&json, "1");
            for (size_t i = 0; i < levels; i++)
                buf_add_text(&json, kind ? "}" : "]");
            int r = pbjson_read(value, buf_slice(&json), &message, &why);
            CHECK(r == (levels <= (kind ? 21 : 31) ? 0 : PBJSON_E_BAD));
            if (r == 0) {
                pb_pack(&packed, message);
                CHECK_INT(pb_unpack(value, buf_slice(&packed), &again), 0);
                check_written(again, NULL, buf_text(&json));
            }
            free(why);
            pb_free(message);
            pb_free(again);
            buf_done(&json);
            buf_done(&packed);
        }
    }
}

/* 4 MB that would be much more in memory. */
static void check_bomb(const char *head, const char *part, const char *tail) {
    struct buf json = { 0 };

    buf_add_text(&json, head);
    while (json.len < 4 << 20)
        buf_add_text(&json, part);
    buf_add_text(&json, tail);
    check_refused(ALL, buf_slice(&json), NULL);
    buf_done(&json);
}

static void four_megabytes_of_little_things_are_refused(void) {
    check_bomb("{\"rInner\":[{}", ",{}", "]}");
    check_bomb("{\"rString\":[\"\"", ",\"\"", "]}");
    check_bomb("{\"rValue\":[1", ",1", "]}");
    check_bomb("{\"rInt64\":[1", ",1", "]}");
    check_bomb("{\"wMask\":\"", ",", "\"}");
    check_bomb("[", "[", "");
    check_bomb("{\"fInner\":", "{\"one\":", "");
}

static void many_keys_are_read_in_time(void) {
    struct buf json = { 0 };

    buf_add_text(&json, "{\"mStringInt32\":{");
    for (unsigned i = 0; i < 50000; i++)
        buf_printf(&json, "%s\"k%u\":%u", i ? "," : "", i, i + 1);
    buf_add_text(&json, "}}");
    ProtobufCMessage *message = read_or_fail(ALL, buf_slice(&json));
    check_written(message, NULL, buf_text(&json));
    pb_free(message);
    buf_done(&json);
}

/* Random choices, the same in each run. */
static uint32_t roll(uint64_t *state, uint32_t below) {
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*state >> 33) % below;
}

/* A message of some of the rows, put together. */
static void add_mixed(struct buf *json, uint64_t *state) {
    bool is_first = true;
    bool has_choice = false;

    buf_add_byte(json, '{');
    for (size_t i = 2; i < sizeof(pbjson_rows) / sizeof(pbjson_rows[0]); i++) {
        const char *row =
            pbjson_rows[i].again ? pbjson_rows[i].again : pbjson_rows[i].json;
        bool is_choice = row[1] == '"' && row[2] == 'c';
        if (strlen(row) < 4 || roll(state, 12) != 0 || (is_choice && has_choice))
            continue;
        has_choice |= is_choice;
        if (!is_first)
            buf_add_byte(json, ',');
        is_first = false;
        buf_add(json, row + 1, strlen(row) - 2);
    }
    buf_add_byte(json, '}');
}

/* message, JSON, message: the same bytes. Rows with a field in common are refused. */
static void random_messages_come_back_to_the_byte(void) {
    uint64_t state = 1;
    size_t read = 0;

    for (size_t i = 0; i < 3000; i++) {
        struct buf json = { 0 };
        struct buf text = { 0 };
        struct buf one = { 0 };
        struct buf two = { 0 };
        struct pbjson_style style = {
            .pretty = i & 1,
            .with_defaults = i & 2,
            .proto_names = i & 4,
            .enum_numbers = i & 8,
            .long_numbers = i & 16,
        };
        ProtobufCMessage *message = NULL;
        char *why = NULL;

        add_mixed(&json, &state);
        if (pbjson_read(ALL, buf_slice(&json), &message, &why) == 0) {
            read++;
            pb_pack(&one, message);
            CHECK_INT(pbjson_write(&text, message, &style, &why), 0);
            ProtobufCMessage *again = read_or_fail(ALL, buf_slice(&text));
            pb_pack(&two, again);
            CHECK(slice_equal(buf_slice(&one), buf_slice(&two)));
            pb_free(again);
        }
        free(why);
        pb_free(message);
        buf_done(&json);
        buf_done(&text);
        buf_done(&one);
        buf_done(&two);
    }
    CHECK(read > 500);
}

static void values_without_json_are_not_written(void) {
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Value value = GOOGLE__PROTOBUF__VALUE__INIT;
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    Google__Protobuf__Value *values[] = { &value };
    char *paths[] = { "fooBar" };
    Everything__All all = EVERYTHING__ALL__INIT;
    struct buf out = { 0 };
    char *why = NULL;

    buf_add_text(&out, "before");
    all.w_time = &time;
    time.nanos = -1;
    CHECK_INT(pbjson_write(&out, &all.base, NULL, &why), PBJSON_E_BAD);
    CHECK_TEXT(why, "w_time: out of the range of google.protobuf.Timestamp");
    free(why);
    all.w_time = NULL;
    all.f_string = "\xff";
    CHECK_INT(pbjson_write(&out, &all.base, NULL, &why), PBJSON_E_BAD);
    CHECK_TEXT(why, "f_string: not UTF-8");
    free(why);
    all.f_string = "";
    all.n_r_value = 1;
    all.r_value = values;
    value.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
    value.number_value = 1e308 * 10;
    CHECK_INT(pbjson_write(&out, &all.base, NULL, &why), PBJSON_E_BAD);
    CHECK_TEXT(why, "r_value[0]: JSON has no such number");
    free(why);
    all.n_r_value = 0;
    mask.n_paths = 1;
    mask.paths = paths;
    all.w_mask = &mask;
    CHECK_INT(pbjson_write(&out, &all.base, NULL, &why), PBJSON_E_BAD);
    CHECK_TEXT(why, "w_mask: a path that JSON cannot say");
    free(why);
    CHECK_TEXT(buf_text(&out), "before");
    buf_done(&out);
}

static void the_last_of_two_equal_keys_is_written(void) {
    ProtobufCMessage *message = NULL;

    /* {"a": 1, "b": 2, "a": 3} on the wire. */
    CHECK_INT(pb_unpack(ALL,
                        slice_of("\x9a\x03\x05\x0a\x01"
                                 "a\x10\x01\x9a\x03\x05\x0a\x01"
                                 "b\x10\x02\x9a\x03\x05\x0a\x01"
                                 "a\x10\x03",
                                 24),
                        &message),
              0);
    check_written(message, NULL, "{\"mStringInt32\":{\"b\":2,\"a\":3}}");
    pb_free(message);
    /* An entry with neither key nor value. */
    CHECK_INT(pb_unpack(ALL, slice_of("\xca\x03\x00\x9a\x03\x00", 6), &message), 0);
    check_written(message, NULL,
                  "{\"mStringInt32\":{\"\":0},\"mSint64Inner\":{\"0\":{}}}");
    pb_free(message);
}

static void the_style_is_the_callers(void) {
    Roost__V1__Node node = ROOST__V1__NODE__INIT;
    Google__Protobuf__Timestamp seen = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    char *tags[] = { "a", "b" };

    node.name = "pi";
    node.state = ROOST__V1__NODE_STATE__ONLINE;
    node.last_seen = &seen;
    node.tags = tags;
    node.n_tags = 2;
    check_written(&node.base, NULL,
                  "{\"name\":\"pi\",\"state\":\"ONLINE\",\"tags\":[\"a\",\"b\"],"
                  "\"lastSeen\":\"1970-01-01T00:00:00Z\"}");
    check_written(&node.base,
                  &(struct pbjson_style) { .pretty = true, .proto_names = true },
                  "{\n  \"name\": \"pi\",\n  \"state\": \"ONLINE\",\n  \"tags\": [\n"
                  "    \"a\",\n    \"b\"\n  ],\n"
                  "  \"last_seen\": \"1970-01-01T00:00:00Z\"\n}");
    Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;
    check_written(&empty.base, &(struct pbjson_style) { .pretty = true }, "{}");
}

static void defaults_are_written_on_demand(void) {
    struct pbjson_style style = { .with_defaults = true };
    Roost__V1__Node node = ROOST__V1__NODE__INIT;
    struct buf out = { 0 };
    char *why = NULL;

    CHECK_INT(pbjson_write(&out, &node.base, &style, &why), 0);
    CHECK(strstr(buf_text(&out), "\"state\":\"NODE_STATE_UNSPECIFIED\"") != NULL);
    CHECK(strstr(buf_text(&out), "\"tags\":[]") != NULL);
    CHECK(strstr(buf_text(&out), "\"generation\":\"0\"") != NULL);
    CHECK(strstr(buf_text(&out), "lastSeen") == NULL);
    buf_done(&out);
}

static void types_with_presence_keep_it(void) {
    static const char *const rows[] = {
        "{\"name\":\"\"}",
        "{\"name\":\"x\",\"count\":0,\"label\":\"\",\"raw\":\"\",\"size\":\"SMALL\"}",
        ("{\"name\":\"x\",\"count\":-4,\"on\":false,\"ratio\":0,\"big\":\"0\",\"plain\":"
         "\"0\"}"),
        "{\"name\":\"x\",\"packed\":[1,-1],\"loose\":[1,-1],\"part\":{\"name\":\"y\"}}",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ProtobufCMessage *message = read_or_fail(PART, slice_of_text(rows[i]));
        check_written(message, NULL, rows[i]);
        pb_free(message);
    }
    check_refused(PART, slice_of_text("{}"), "name: must be there");
    check_refused(PART, slice_of_text("{\"name\":\"\",\"part\":{}}"),
                  "part.name: must be there");
}

static void a_known_type_may_stand_alone(void) {
    const ProtobufCMessageDescriptor *type = &google__protobuf__duration__descriptor;
    ProtobufCMessage *message = read_or_fail(type, slice_of_text("\"1.5s\""));

    check_written(message, NULL, "\"1.500s\"");
    pb_free(message);
}

static void a_sample_can_be_read_back(void) {
    static const ProtobufCMessageDescriptor *const types[] = {
        &everything__all__descriptor,
        &old__part__descriptor,
        &roost__v1__node__descriptor,
        &google__protobuf__empty__descriptor,
        &google__protobuf__duration__descriptor,
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct buf sample = { 0 };
        pbjson_sample(&sample, types[i], true);
        ProtobufCMessage *message = read_or_fail(types[i], buf_slice(&sample));
        check_written(message, &(struct pbjson_style) { .pretty = true },
                      buf_text(&sample));
        pb_free(message);
        buf_done(&sample);
    }
}

/* The types that an Any may hold here. */
static const ProtobufCMessageDescriptor *find_any(void *arg, const char *name) {
    static const ProtobufCMessageDescriptor *const known[] = {
        &everything__all__descriptor,
        &everything__all__inner__descriptor,
        &google__protobuf__duration__descriptor,
        &google__protobuf__value__descriptor,
        &google__protobuf__any__descriptor,
    };

    (void)arg;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i]->name, name) == 0)
            return known[i];
    return NULL;
}

static const struct pbjson_types any_types = { .find = find_any };

static void an_any_of_a_known_type_shows_its_fields(void) {
    static const char *const rows[] = {
        "{\"wAny\":{\"@type\":\"x/everything.All.Inner\",\"name\":\"x\",\"below\":[{}]}}",
        "{\"wAny\":{\"@type\":\"x/everything.All.Inner\"}}",
        "{\"wAny\":{\"@type\":\"x/google.protobuf.Duration\",\"value\":\"1.500s\"}}",
        "{\"wAny\":{\"@type\":\"x/google.protobuf.Value\",\"value\":null}}",
        ("{\"wAny\":{\"@type\":\"x/google.protobuf.Any\",\"value\":{\"@type\":"
         "\"x/everything.All\"}}}"),
    };
    const struct pbjson_style style = { .types = any_types };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice json = slice_of_text(rows[i]);
        ProtobufCMessage *message = NULL;
        char *why = NULL;

        if (pbjson_read_with(ALL, json, &any_types, &message, &why) != 0)
            print_message("# %s\n", why);
        CHECK(message);
        check_written(message, &style, rows[i]);
        pb_free(message);
        for (size_t len = 0; len < json.len; len++) {
            CHECK_INT(
                pbjson_read_with(ALL, slice_of(json.at, len), &any_types, &message, &why),
                PBJSON_E_BAD);
            free(why);
        }
    }
}

static void a_wrong_any_of_a_known_type_is_refused(void) {
    static const struct {
        const char *json;
        const char *why;
    } rows[] = {
        { "{\"@type\":\"x/everything.All.Inner\",\"nme\":1}",
          "wAny.nme: no such field in everything.All.Inner" },
        { "{\"@type\":\"x/everything.All.Inner\",\"@type\":\"y\"}",
          "wAny: @type stands twice" },
        { "{\"@type\":\"x/google.protobuf.Duration\"}", "wAny: the value is missing" },
        { "{\"@type\":\"x/google.protobuf.Duration\",\"value\":\"1s\",\"value\":\"1s\"}",
          "wAny: a member stands twice" },
        { "{\"@type\":\"x/google.protobuf.Duration\",\"x\":1}",
          "wAny: an Any of google.protobuf.Duration has only @type and value" },
        { "{\"@type\":\"x/google.protobuf.Duration\",\"value\":1}",
          "wAny.value: a time is wanted, not a number" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *json = mem_printf("{\"wAny\":%s}", rows[i].json);
        ProtobufCMessage *message = NULL;
        char *why = NULL;

        CHECK_INT(pbjson_read_with(ALL, slice_of_text(json), &any_types, &message, &why),
                  PBJSON_E_BAD);
        CHECK_TEXT(why, rows[i].why);
        free(why);
        free(json);
    }
}

/* An Any in an Any, and so on: refused by both directions, not by the stack. */
static void an_any_nests_no_deeper_than_anything_else(void) {
    struct buf json = { 0 };
    ProtobufCMessage *message = NULL;
    char *why = NULL;

    buf_add_text(&json, "{\"wAny\":");
    for (int i = 0; i < 30000; i++)
        buf_add_text(&json, "{\"@type\":\"x/google.protobuf.Any\",\"value\":");
    CHECK_INT(pbjson_read_with(ALL, buf_slice(&json), &any_types, &message, &why),
              PBJSON_E_BAD);
    CHECK(why);
    free(why);
    buf_done(&json);
}

static void numbers_may_stand_for_names_and_texts(void) {
    const struct pbjson_style style = { .enum_numbers = true, .long_numbers = true };
    ProtobufCMessage *message = read_or_fail(
        ALL, slice_of_text("{\"fInt64\":\"7\",\"fColour\":\"RED\",\"wUint64\":\"8\"}"));

    check_written(message, &style, "{\"fInt64\":7,\"fColour\":1,\"wUint64\":8}");
    pb_free(message);
}

TESTS(TEST(the_mapping_holds_in_both_directions),
      TEST(what_the_mapping_does_not_allow_is_refused),
      TEST(truncated_json_is_refused),
      TEST(nesting_is_limited_as_on_the_wire),
      TEST(values_nest_no_deeper_than_they_unpack),
      TEST(four_megabytes_of_little_things_are_refused),
      TEST(many_keys_are_read_in_time),
      TEST(random_messages_come_back_to_the_byte),
      TEST(values_without_json_are_not_written),
      TEST(the_last_of_two_equal_keys_is_written),
      TEST(the_style_is_the_callers),
      TEST(defaults_are_written_on_demand),
      TEST(types_with_presence_keep_it),
      TEST(a_known_type_may_stand_alone),
      TEST(an_any_of_a_known_type_shows_its_fields),
      TEST(a_wrong_any_of_a_known_type_is_refused),
      TEST(an_any_nests_no_deeper_than_anything_else),
      TEST(numbers_may_stand_for_names_and_texts),
      TEST(a_sample_can_be_read_back))
