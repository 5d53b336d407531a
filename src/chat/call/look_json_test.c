#include "chat/call/look_json.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "roost/v1/metrics.pb-c.h"
#include "roost/v1/processes.pb-c.h"
#include "wire/pbfield.h"

static const struct row {
    const ProtobufCMessageDescriptor *type;
    const char *json;
    const char *field;
    const char *typed;
    const char *wanted; /* NULL: it is refused */
} rows[] = {
#define LIST  &roost__v1__list_processes_request__descriptor
#define CHART &roost__v1__chart_request__descriptor
    { LIST, "{}", "filter", "a b", "{\"filter\":\"a b\"}" },
    { LIST, "{}", "filter", "say \"x\" \\", "{\"filter\":\"say \\\"x\\\" \\\\\"}" },
    { LIST, "{\"filter\":\"a\"}", "filter", "b", "{\"filter\":\"b\"}" },
    { LIST, "{\"limit\": 3, \"filter\" : \"a\"}", "filter", "b",
      "{\"limit\":3,\"filter\":\"b\"}" },
    { LIST, "{\"lookMs\":5}", "look_ms", "7", "{\"look_ms\":7}" },
    { LIST, "{}", "limit", "12", "{\"limit\":12}" },
    { LIST, "{}", "limit", "many", NULL },
    { LIST, "{}", "limit", "-1", NULL },
    { LIST, "{}", "limit", "1 2", NULL },
    { LIST, "{}", "reverse", "yes", "{\"reverse\":true}" },
    { LIST, "{}", "reverse", "\u0434\u0430", "{\"reverse\":true}" },
    { LIST, "{}", "reverse", "no", "{\"reverse\":false}" },
    { LIST, "{}", "reverse", "perhaps", NULL },
    { LIST, "{}", "sort", "PROCESS_SORT_CPU", "{\"sort\":\"PROCESS_SORT_CPU\"}" },
    { LIST, "{}", "sort", "2", "{\"sort\":2}" },
    { LIST, "{}", "sort", "ZOO", NULL },
    { LIST, "[]", "filter", "a", NULL },
    { LIST, "", "filter", "a", NULL },
    { LIST, "{\"filter\":", "filter", "a", NULL },
    { LIST, "{\"zoo\":1}", "filter", "a", NULL },
    { CHART, "{}", "metrics", "cpu, mem", "{\"metrics\":[\"cpu\",\"mem\"]}" },
    { CHART, "{}", "metrics", "[\"cpu\"]", "{\"metrics\":[\"cpu\"]}" },
    { CHART, "{}", "metrics", ",,", "{\"metrics\":[]}" },
    { CHART, "{}", "thresholds", "1.5,2", "{\"thresholds\":[1.5,2]}" },
    { CHART, "{}", "thresholds", "1,x", NULL },
    { CHART, "{\"yTop\":5}", "y_top", "8", "{\"y_top\":8}" },
    { CHART, "{}", "since", "2026-11-21T00:00:00Z",
      "{\"since\":\"2026-11-21T00:00:00Z\"}" },
    { CHART, "{}", "since", "soon", NULL },
};

static void fields_are_set_or_refused(void) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        const ProtobufCFieldDescriptor *field =
            pbfield_find(row->type, slice_of_text(row->field));
        struct buf out = { 0 };
        char *why = NULL;
        int r = look_json_set(&out, row->type, row->json, field, row->typed, &why);

        if (r != (row->wanted ? 0 : LOOK_JSON_E_BAD))
            printf("# %zu: %s\n", i, why ? why : buf_text(&out));
        CHECK_INT(r, row->wanted ? 0 : LOOK_JSON_E_BAD);
        CHECK_TEXT(buf_text(&out), row->wanted ? row->wanted : "");
        CHECK((why != NULL) == (row->wanted == NULL));
        free(why);
        buf_done(&out);
    }
}

static void kinds_are_told_in_words(void) {
    static const struct {
        const ProtobufCMessageDescriptor *type;
        const char *field;
        const char *kind;
    } kinds[] = {
        { LIST, "filter", "text" },           { LIST, "limit", "number" },
        { LIST, "reverse", "yes/no" },        { LIST, "sort", "ProcessSort" },
        { CHART, "metrics", "text, …" },      { CHART, "since", "Timestamp" },
        { CHART, "thresholds", "number, …" },
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char *kind = look_json_kind(
            kinds[i].type, pbfield_find(kinds[i].type, slice_of_text(kinds[i].field)));
        CHECK_TEXT(kind, kinds[i].kind);
        free(kind);
    }
}

TESTS(TEST(fields_are_set_or_refused), TEST(kinds_are_told_in_words))
