#include "store/traffic_sums.h"

#include "store/store_testing.h"

enum { MINUTE_MS = 60000 };

static void on_sums(
    void *arg, int result, const struct store_traffic *sums, size_t count, bool is_cut) {
    struct place *place = arg;
    size_t len = 0;

    CHECK_INT(result, 0);
    place->text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct store_traffic *sum = &sums[i];
        len += (size_t)snprintf(place->text + len, sizeof(place->text) - len,
                                "%d %s %s %s %d/%d %d;", (int)(sum->time_ms / MINUTE_MS),
                                sum->node, sum->caller, sum->method, (int)sum->errors,
                                (int)sum->calls, (int)sum->longest_us);
        CHECK_INT(sum->request_bytes, sum->calls * 10);
        CHECK_INT(sum->reply_bytes, sum->calls * 20);
        CHECK_INT(sum->durations.counts[3], sum->calls);
    }
    if (is_cut)
        snprintf(place->text + len, sizeof(place->text) - len, "...");
    on_done(place, result);
}

static struct store_traffic row_of(
    int minute, const char *node, const char *caller, const char *method, unsigned n) {
    return (struct store_traffic) {
        .time_ms = (int64_t)minute * MINUTE_MS,
        .node = node,
        .caller = caller,
        .method = method,
        .calls = n,
        .errors = n / 10,
        .duration_us = (uint64_t)n * 3,
        .longest_us = n,
        .request_bytes = (uint64_t)n * 10,
        .reply_bytes = (uint64_t)n * 20,
        .durations.counts[3] = n,
    };
}

static void add(struct place *place,
                const struct store_traffic *rows,
                size_t count,
                int oldest,
                uint64_t rows_max) {
    int64_t oldest_ms = (int64_t)oldest * MINUTE_MS;

    CHECK_INT(ASK(place, store_add_traffic(place->store, rows, count, oldest_ms, rows_max,
                                           on_done, place)),
              0);
}

static const char *ask(struct place *place, struct store_traffic_query query) {
    if (query.limit == 0)
        query.limit = 100;
    CHECK_INT(ASK(place, store_list_traffic(place->store, &query, on_sums, place)), 0);
    return place->text;
}

static void fill(struct place *place) {
    const struct store_traffic first[] = {
        row_of(60, "pi", "ada", "/a.B/C", 10),
        row_of(60, "pi", "ada", "/a.B/D", 20),
        row_of(60, "db", "bob", "/a.B/C", 30),
    };
    const struct store_traffic second[] = {
        row_of(61, "pi", "ada", "/a.B/C", 5),
        row_of(61, "db", "ada", "/x.Y/Z", 1),
    };

    add(place, first, 3, 0, 1000);
    add(place, second, 2, 0, 1000);
}

static void sums_are_made_as_they_are_asked_for(void) {
    static const char *const pi[] = { "p?", NULL };
    const struct {
        struct store_traffic_query query;
        const char *answer;
    } rows[] = {
        { { .by = 0 }, "0    6/66 30;" },
        { { .by = STORE_BY_NODE }, "0 pi   3/35 20;0 db   3/31 30;" },
        { { .by = STORE_BY_CALLER }, "0  ada  3/36 20;0  bob  3/30 30;" },
        { { .by = STORE_BY_METHOD },
          "0   /a.B/C 4/45 30;0   /a.B/D 2/20 20;0   /x.Y/Z 0/1 1;" },
        { { .by = STORE_BY_NODE, .step_ms = MINUTE_MS },
          "60 db   3/30 30;60 pi   3/30 20;61 pi   0/5 5;61 db   0/1 1;" },
        { { .by = STORE_BY_NODE, .step_ms = 60 * MINUTE_MS },
          "60 pi   3/35 20;60 db   3/31 30;" },
        { { .since_ms = 61 * MINUTE_MS }, "61    0/6 5;" },
        { { .until_ms = 61 * MINUTE_MS }, "0    6/60 30;" },
        { { .node = "db", .by = STORE_BY_METHOD },
          "0   /a.B/C 3/30 30;0   /x.Y/Z 0/1 1;" },
        { { .caller = "ada" }, "0    3/36 20;" },
        { { .method = "/a.B/*" }, "0    6/65 30;" },
        { { .is_limited = true, .nodes = pi, .node_count = 1 }, "0    3/35 20;" },
        { { .is_limited = true }, "" },
        { { .node = "nobody" }, "" },
    };
    struct place place;

    place_init(&place);
    place_start(&place, 100);
    fill(&place);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_TEXT(ask(&place, rows[i].query), rows[i].answer);
    }
    place_done(&place);
}

static void what_is_not_written_yet_counts_too(void) {
    const struct store_traffic more[] = {
        row_of(62, "pi", "ada", "/a.B/C", 7),
        row_of(90, "pi", "ada", "/a.B/C", 100),
    };
    struct place place;

    place_init(&place);
    place_start(&place, 100);
    fill(&place);
    CHECK_TEXT(ask(&place, (struct store_traffic_query) { .until_ms = 90 * MINUTE_MS,
                                                          .node = "pi",
                                                          .more = more,
                                                          .more_count = 2 }),
               "0    3/42 20;");
    place_done(&place);
}

static void an_answer_that_is_too_long_is_cut_and_says_so(void) {
    struct place place;

    place_init(&place);
    place_start(&place, 100);
    fill(&place);
    CHECK_TEXT(
        ask(&place, (struct store_traffic_query) { .by = STORE_BY_METHOD, .limit = 1 }),
        "0   /a.B/C 4/45 30;...");
    place_done(&place);
}

static void old_rows_go_and_so_do_too_many(void) {
    const struct store_traffic late = row_of(120, "pi", "ada", "/a.B/C", 1);
    struct place place;

    place_init(&place);
    place_start(&place, 100);
    fill(&place);
    add(&place, &late, 1, 61, 1000);
    CHECK_TEXT(ask(&place, (struct store_traffic_query) { 0 }), "0    0/7 5;");
    add(&place, &late, 1, 61, 2);
    CHECK_TEXT(ask(&place, (struct store_traffic_query) { 0 }), "0    0/2 1;");
    place_done(&place);
}

static void count_down(
    void *arg, int result, const struct store_traffic *sums, size_t count, bool is_cut) {
    on_done(arg, result);
}

static void few_may_ask_at_the_same_time(void) {
    const struct store_traffic_query query = { .limit = 1 };
    struct place place;

    place_init(&place);
    place_start(&place, 100);
    for (int round = 0; round < 2; round++) {
        while (store_list_traffic(place.store, &query, count_down, &place) == 0)
            place.waiting++;
        CHECK(place.waiting > 0 && place.waiting < 10);
        loop_run(place.loop);
        CHECK_INT(place.waiting, 0);
    }
    place_done(&place);
}

static void counts_follow_their_node(void) {
    const struct store_node node = { .name = "pi", .kind = 1 };
    const struct store_traffic_query by_node = { .by = STORE_BY_NODE };
    struct place place;

    place_init(&place);
    place_start(&place, 100);
    fill(&place);
    store_put_node(place.store, &node, NULL, NULL);
    CHECK_INT(ASK(&place, store_rename_node(place.store, "pi", "nas", on_done, &place)),
              0);
    CHECK_TEXT(ask(&place, by_node), "0 nas   3/35 20;0 db   3/31 30;");
    CHECK_INT(ASK(&place, store_remove_node(place.store, "nas", on_done, &place)), 0);
    CHECK_TEXT(ask(&place, by_node), "0 db   3/31 30;");
    place_done(&place);
}

TESTS(TEST(sums_are_made_as_they_are_asked_for),
      TEST(what_is_not_written_yet_counts_too),
      TEST(an_answer_that_is_too_long_is_cut_and_says_so),
      TEST(old_rows_go_and_so_do_too_many),
      TEST(few_may_ask_at_the_same_time),
      TEST(counts_follow_their_node))
