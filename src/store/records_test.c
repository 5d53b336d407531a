#include "store/records.h"

#include <stdio.h>
#include <string.h>

#include "store/history/history_testing.h"

/* What was read back, a record a line. */
struct seen {
    char text[1024];
};

static void see(void *arg, const char *space, const char *key, struct slice value) {
    struct seen *seen = arg;
    size_t len = strlen(seen->text);

    snprintf(seen->text + len, sizeof(seen->text) - len, "%s/%s=%.*s\n", space, key,
             (int)value.len, value.len > 0 ? (const char *)value.at : "");
}

static const char *read_back(struct history_testing *testing, struct seen *seen) {
    const struct store_loader loader = { .on_record = see, .arg = seen };

    history_testing_close(testing);
    char *why = NULL;
    *seen = (struct seen) { 0 };
    CHECK_INT(store_open(testing->path, &testing->store, &why), 0);
    CHECK_INT(store_load(testing->store, &loader), 0);
    testing->store = store_close(testing->store);
    history_testing_open(testing);
    return seen->text;
}

static void put(struct records *records, const char *key, const char *value) {
    records_put(records, "test", key, slice_of_text(value));
}

static void on_put(void *arg, int result) {
    struct history_testing *testing = arg;

    CHECK_INT(result, 0);
    loop_stop(testing->loop);
}

static void a_batch_is_kept_and_what_is_removed_is_gone(void) {
    struct history_testing testing;
    struct records records = { 0 };
    struct seen seen;

    history_testing_init(&testing);
    history_testing_open(&testing);
    put(&records, "b", "2");
    put(&records, "a", "1");
    put(&records, "empty", "");
    CHECK_INT(store_put_records(testing.store, &records, on_put, &testing), 0);
    CHECK_INT(records.count, 0);
    loop_run(testing.loop);
    CHECK_TEXT(read_back(&testing, &seen), "test/a=1\ntest/b=2\ntest/empty=\n");

    records_remove(&records, "test", "a");
    records_remove(&records, "test", "none");
    put(&records, "b", "3");
    put(&records, "b", "4");
    CHECK_INT(store_put_records(testing.store, &records, on_put, &testing), 0);
    loop_run(testing.loop);
    CHECK_TEXT(read_back(&testing, &seen), "test/b=4\ntest/empty=\n");
    history_testing_close(&testing);
    history_testing_done(&testing);
}

static void batches_are_joined_in_order(void) {
    struct records one = { 0 }, other = { 0 };

    records_move(&one, &other);
    CHECK_INT(one.count, 0);
    put(&other, "a", "1");
    records_move(&one, &other);
    put(&other, "b", "2");
    records_move(&one, &other);
    CHECK_INT(one.count, 2);
    CHECK_INT(other.count, 0);
    CHECK_TEXT(one.rows[1].key, "b");
    put(&one, "c", "3");
    CHECK_TEXT(one.rows[2].key, "c");
    records_done(&one);
}

/* Company that has something to say once. */
struct company {
    struct loop *loop; /* borrowed: to be stopped */
    const char *value; /* NULL: nothing */
    unsigned collected;
    unsigned settled;
};

static void collect(void *arg, struct records *ret_records) {
    struct company *company = arg;

    company->collected++;
    if (company->value)
        put(ret_records, "company", company->value);
    company->value = NULL;
}

static void settle(void *arg) {
    struct company *company = arg;

    company->settled++;
    loop_stop(company->loop);
}

static void records_travel_with_a_flush_also_when_there_are_no_rows(void) {
    struct history_testing testing;
    struct company company = { .value = "with" };
    struct history_company description = { collect, settle, &company };
    struct seen seen;

    history_testing_init(&testing);
    history_testing_open(&testing);
    company.loop = testing.loop;
    history_set_company(testing.history, &description);
    history_sync(testing.history);
    loop_run(testing.loop);
    CHECK_INT(company.collected, 1);
    CHECK_TEXT(read_back(&testing, &seen), "test/company=with\n");

    /* The last flush of a history takes its company along. */
    company.value = "last";
    history_set_company(testing.history, &description);
    history_sync(testing.history);
    CHECK_TEXT(read_back(&testing, &seen), "test/company=last\n");
    CHECK_INT(company.settled, 2);
    history_testing_close(&testing);
    history_testing_done(&testing);
}

TESTS(TEST(a_batch_is_kept_and_what_is_removed_is_gone),
      TEST(batches_are_joined_in_order),
      TEST(records_travel_with_a_flush_also_when_there_are_no_rows))
