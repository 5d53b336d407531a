#include "wire/headers.h"

#include "base/check.h"

static void fields_keep_their_order_and_lose_their_case(void) {
    struct headers headers;
    headers_init(&headers);
    CHECK(headers_add(&headers, ":method", "GET"));
    CHECK(headers_add(&headers, "Accept", "Text/HTML"));
    CHECK(headers_add(&headers, "accept", ""));
    CHECK(headers_add(&headers, "X-Odd!#$%&'*+-.^_`|~09", " a\tb "));

    CHECK_INT(headers.count, 4);
    CHECK_TEXT(headers.fields[0].name, ":method");
    CHECK_TEXT(headers.fields[1].name, "accept");
    CHECK_TEXT(headers.fields[2].value, "");
    CHECK_TEXT(headers.fields[3].name, "x-odd!#$%&'*+-.^_`|~09");
    CHECK_TEXT(headers_get(&headers, "accept"), "Text/HTML");
    CHECK(!headers_get(&headers, "method"));
    headers_done(&headers);
    CHECK_INT(headers.count, 0);
}

static void what_no_field_may_hold_is_refused(void) {
    static const struct {
        struct slice name;
        struct slice value;
    } rows[] = {
        { { (const uint8_t *)"", 0 }, { (const uint8_t *)"v", 1 } },
        { { (const uint8_t *)":", 1 }, { (const uint8_t *)"v", 1 } },
        { { (const uint8_t *)"a:b", 3 }, { (const uint8_t *)"v", 1 } },
        { { (const uint8_t *)"::a", 3 }, { (const uint8_t *)"v", 1 } },
        { { (const uint8_t *)"a b", 3 }, { (const uint8_t *)"v", 1 } },
        { { (const uint8_t *)"a\0", 2 }, { (const uint8_t *)"v", 1 } },
        { { (const uint8_t *)"a\n", 2 }, { (const uint8_t *)"v", 1 } },
        { { (const uint8_t *)"\x80", 1 }, { (const uint8_t *)"v", 1 } },
        { { (const uint8_t *)"\x7f", 1 }, { (const uint8_t *)"v", 1 } },
        { { (const uint8_t *)"a(", 2 }, { (const uint8_t *)"v", 1 } },
        { { (const uint8_t *)"a", 1 }, { (const uint8_t *)"v\r", 2 } },
        { { (const uint8_t *)"a", 1 }, { (const uint8_t *)"\nv", 2 } },
        { { (const uint8_t *)"a", 1 }, { (const uint8_t *)"v\0w", 3 } },
    };
    struct headers headers = { 0 };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK(!headers_add_slice(&headers, rows[i].name, rows[i].value));
    CHECK_INT(headers.count, 0);
    CHECK_INT(headers.bytes, 0);
    headers_done(&headers);
}

static void bytes_count_as_the_setting_does(void) {
    struct headers headers = { 0 };
    for (int i = 0; i < 100; i++)
        headers_add(&headers, i % 2 ? "odd" : "even", "1234567890");
    CHECK_INT(headers.bytes, 50 * (3 + 10 + 32) + 50 * (4 + 10 + 32));

    headers_remove(&headers, "odd");
    CHECK_INT(headers.count, 50);
    CHECK_INT(headers.bytes, 50 * (4 + 10 + 32));
    headers_remove(&headers, "absent");
    headers_remove(&headers, "even");
    CHECK_INT(headers.count, 0);
    CHECK_INT(headers.bytes, 0);
    headers_done(&headers);
}

static void a_token_is_found_in_any_list(void) {
    static const struct {
        const char *value;
        bool found;
    } rows[] = {
        { "upgrade", true },
        { "Upgrade", true },
        { "close, UPGRADE", true },
        { "close,upgrade", true },
        { ",, \tupgrade\t ,", true },
        { "upgrades", false },
        { "upgrade x", false },
        { "x upgrade", false },
        { "", false },
        { ",", false },
        { "upgrad", false },
        { " ", false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct headers headers = { 0 };
        headers_add(&headers, "connection", "keep-alive");
        headers_add(&headers, "connection", rows[i].value);
        headers_add(&headers, "other", "other");
        CHECK(headers_has_token(&headers, "connection", "upgrade") == rows[i].found);
        CHECK(!headers_has_token(&headers, "connection", "other"));
        CHECK(!headers_has_token(&headers, "connection", ""));
        headers_done(&headers);
    }
}

static void a_list_is_copied_into_another(void) {
    struct headers from = { 0 }, to = { 0 };
    headers_add(&from, "a", "1");
    headers_add(&from, "b", "");
    headers_add(&to, "z", "0");
    headers_add_all(&to, &from);
    headers_done(&from);

    CHECK_INT(to.count, 3);
    CHECK_TEXT(headers_get(&to, "a"), "1");
    CHECK_TEXT(headers_get(&to, "b"), "");
    CHECK_INT(to.bytes, 3 * 33 + 2);
    headers_done(&to);
}

static bool is_no_cookie(const struct header *field) {
    return strcmp(field->name, "cookie") != 0;
}

static void a_list_is_moved_and_filtered_in_place(void) {
    struct headers from = { 0 }, to = { 0 };
    headers_add(&from, "a", "1");
    headers_add(&from, "cookie", "2");
    headers_add(&from, "b", "3");
    headers_move(&to, &from);
    headers_filter(&to, is_no_cookie);

    CHECK_INT(from.count, 0);
    CHECK_INT(to.count, 2);
    CHECK_INT(to.bytes, 2 * (1 + 1 + 32));
    CHECK_TEXT(to.fields[1].value, "3");
    headers_add(&from, "c", "4");
    CHECK_TEXT(headers_get(&from, "c"), "4");
    headers_done(&from);
    headers_done(&to);
}

static void lent_fields_stand_beside_own_ones(void) {
    struct headers owner = { 0 }, list = { 0 };
    headers_add(&owner, "lent", "1");
    headers_add(&list, "own", "2");
    headers_lend(&list, &owner.fields[0]);

    CHECK_INT(list.count, 2);
    CHECK_INT(list.bytes, owner.bytes + 3 + 1 + 32);
    CHECK(headers_get(&list, "lent") == owner.fields[0].value);
    headers_done(&list);
    CHECK_TEXT(headers_get(&owner, "lent"), "1");
    headers_done(&owner);
}

/* Fields stay where they are while the list grows, also those larger than its blocks. */
static void fields_of_any_length_stay_where_they_are(void) {
    struct headers headers = { 0 };
    char value[9000];

    headers_add(&headers, "first", "value");
    const char *first = headers_get(&headers, "first");
    memset(value, 'v', sizeof(value));
    for (size_t len = 1; len < sizeof(value); len = 3 * len + 1)
        CHECK(headers_add_slice(&headers, slice_of_text("long"), slice_of(value, len)));
    CHECK(headers_get(&headers, "first") == first);
    CHECK_TEXT(first, "value");
    const struct header *last = &headers.fields[headers.count - 1];
    CHECK_INT(strlen(last->value), last->value_len);
    headers_done(&headers);
}

TESTS(TEST(fields_keep_their_order_and_lose_their_case),
      TEST(what_no_field_may_hold_is_refused),
      TEST(bytes_count_as_the_setting_does),
      TEST(a_token_is_found_in_any_list),
      TEST(a_list_is_copied_into_another),
      TEST(a_list_is_moved_and_filtered_in_place),
      TEST(lent_fields_stand_beside_own_ones),
      TEST(fields_of_any_length_stay_where_they_are))
