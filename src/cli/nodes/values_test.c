#include "cli/nodes/values.h"

#include "base/check.h"
#include "cli/nodes/values_json.h"
#include "wire/pb.h"

static Roost__V1__NodeValues__ValuesEntry entry(const char *key, double value) {
    Roost__V1__NodeValues__ValuesEntry made = ROOST__V1__NODE_VALUES__VALUES_ENTRY__INIT;
    made.key = pb_lend(key);
    made.value = value;
    return made;
}

/* A sample with these values, taken by take(). */
static void take(struct values *values,
                 Roost__V1__NodeValues__ValuesEntry *entries,
                 size_t count,
                 bool online) {
    Roost__V1__NodeValues message = ROOST__V1__NODE_VALUES__INIT;
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Roost__V1__NodeValues__ValuesEntry *pointers[8];

    time.seconds = 1700000000;
    time.nanos = 250000000;
    for (size_t i = 0; i < count; i++)
        pointers[i] = &entries[i];
    message.n_values = count;
    message.values = pointers;
    message.online = online;
    message.time = &time;
    values_take(values, &message);
}

static void what_is_missing_from_the_newest_sample_is_not_found(void) {
    struct values values = { 0 };
    Roost__V1__NodeValues__ValuesEntry both[] = { entry("mem", 40), entry("cpu", 12.5) };

    take(&values, both, 2, true);
    CHECK(values_find(&values, "cpu"));
    CHECK(values_find(&values, "mem"));
    CHECK(!values_find(&values, "gpu"));
    take(&values, both, 1, true);
    CHECK(!values_find(&values, "cpu"));
    CHECK(values_number(&values, "cpu", -1) < 0);
    CHECK(values_number(&values, "mem", -1) > 39);
    CHECK_INT(values.time_ms, 1700000000250);
    values_done(&values);
}

static void units_come_from_the_hub_or_from_the_table(void) {
    struct values values = { 0 };
    Roost__V1__NodeValues__ValuesEntry some[] = { entry("mem.total", 1),
                                                  entry("own", 2) };

    take(&values, some, 2, true);
    CHECK_TEXT(values_find(&values, "mem.total")->unit, "By");
    CHECK_TEXT(values_find(&values, "own")->unit, "");

    Roost__V1__NodeValues message = ROOST__V1__NODE_VALUES__INIT;
    Roost__V1__MetricInfo info = ROOST__V1__METRIC_INFO__INIT;
    Roost__V1__MetricInfo *infos[] = { &info };
    Roost__V1__NodeValues__ValuesEntry *entries[] = { &some[1] };
    info.name = "own";
    info.unit = "W";
    info.scale = 1;
    message.n_info = 1;
    message.info = infos;
    message.n_values = 1;
    message.values = entries;
    values_take(&values, &message);
    CHECK_TEXT(values_find(&values, "own")->unit, "W");
    values_done(&values);
}

static void json_is_flat_and_exact(void) {
    struct values values = { 0 };
    struct buf out = { 0 };
    Roost__V1__NodeValues__ValuesEntry some[] = { entry("mem.total", 16718491648.0),
                                                  entry("cpu", 12.5),
                                                  entry("load1", 0.07) };

    take(&values, some, 3, true);
    values_json_add(&out, "pi", &values, "");
    CHECK_TEXT(buf_text(&out),
               "{\"name\": \"pi\", \"state\": \"ONLINE\", "
               "\"time\": \"2023-11-14T22:13:20.250Z\", \"cpu\": 12.5, \"load1\": 0.07, "
               "\"mem.total\": 16718491648}");
    buf_clear(&out);
    take(&values, some, 0, false);
    values_json_add(&out, "pi", &values, "\n");
    CHECK_TEXT(buf_text(&out), "{\n  \"name\": \"pi\",\n  \"state\": \"OFFLINE\",\n  "
                               "\"time\": \"2023-11-14T22:13:20.250Z\"\n}");
    buf_done(&out);
    values_done(&values);
}

TESTS(TEST(what_is_missing_from_the_newest_sample_is_not_found),
      TEST(units_come_from_the_hub_or_from_the_table),
      TEST(json_is_flat_and_exact))
