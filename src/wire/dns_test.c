#include "wire/dns.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { ID = 0x1234 };

static const struct dns_question www = { .id = ID, .type = DNS_A, .name = "www.example" };

/* Head and question of an answer to `www`. */
#define HEAD(flags_high, flags_low, answers)                                             \
    0x12, 0x34, flags_high, flags_low, 0, 1, 0, answers, 0, 0, 0, 0, 3, 'W', 'w', 'w',   \
        7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1
enum { QUESTION_AT = 12, ANSWER_AT = 29 };

/* The head of a record whose name is the question's. */
#define RECORD(type, len) 0xc0, QUESTION_AT, 0, type, 0, 1, 0, 0, 0x0e, 0x10, 0, len

static int read_bytes(const uint8_t *bytes, size_t len, struct dns_answer *ret_answer) {
    /* On the heap, so that reading past the end is seen. */
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    int r = dns_read(slice_of(copy, len), &www, ret_answer);
    free(copy);
    return r;
}

static void a_question_is_written_with_edns(void) {
    static const uint8_t expected[] = {
        0x12, 0x34, 1, 0,   0,    1,    0,   0,   0,   0,   0, 1, 3, 'w',
        'w',  'w',  7, 'e', 'x',  'a',  'm', 'p', 'l', 'e', 0, 0, 1, 0,
        1,    0,    0, 41,  0x04, 0xd0, 0,   0,   0,   0,   0, 0,
    };
    struct buf out = { 0 };

    CHECK(dns_write(&www, &out) == 0);
    CHECK(out.len == sizeof(expected));
    CHECK(memcmp(out.data, expected, sizeof(expected)) == 0);
    buf_done(&out);
}

static void names_that_cannot_be_are_refused(void) {
    static const char *const bad[] = {
        "",
        "a..b",
        ".a",
        "a b",
        "m\xc3\xbcller.example",
        "\\",
        "\\2",
        "\\256.example",
        "a123456789012345678901234567890123456789012345678901234567890123.example",
    };
    struct buf out = { 0 };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct dns_question question = { .id = ID, .type = DNS_A, .name = bad[i] };
        CHECK(dns_write(&question, &out) == DNS_E_NAME);
        CHECK(out.len == 0);
    }
    buf_done(&out);
}

static void a_name_has_255_bytes_at_most(void) {
    struct buf name = { 0 }, out = { 0 };

    for (int i = 0; i < 127; i++)
        buf_add_text(&name, "a.");
    struct dns_question question = { .id = ID, .type = DNS_A, .name = buf_text(&name) };
    CHECK(dns_write(&question, &out) == 0);
    buf_add_text(&name, "b");
    question.name = buf_text(&name);
    CHECK(dns_write(&question, &out) == DNS_E_NAME);
    buf_done(&name);
    buf_done(&out);
}

static void an_address_has_a_reverse_name(void) {
    char *v4 = dns_reverse_name("192.0.2.1");
    char *v6 = dns_reverse_name("2001:db8::1");

    CHECK_TEXT(v4, "1.2.0.192.in-addr.arpa");
    CHECK_TEXT(v6, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
                   "ip6.arpa");
    CHECK(!dns_reverse_name("example"));
    free(v4);
    free(v6);
}

/* One of each type, and what a person reads of it. */
static const struct {
    uint8_t type;
    uint8_t len;
    uint8_t data[40];
    const char *text;
} kinds[] = {
    { DNS_A, 4, { 192, 0, 2, 7 }, "192.0.2.7" },
    { DNS_AAAA, 16, { 0x20, 1, 0x0d, 0xb8, [15] = 7 }, "2001:db8::7" },
    { DNS_CNAME, 4, { 1, 'x', 0xc0, 16 }, "x.example" },
    { DNS_NS, 1, { 0 }, "." },
    { DNS_PTR, 5, { 3, 'a', '.', 'b', 0 }, "a\\.b" },
    { DNS_MX, 4, { 0, 10, 0xc0, 16 }, "10 example" },
    { DNS_SRV, 8, { 0, 1, 0, 2, 0x1f, 0x90, 0xc0, 16 }, "1 2 8080 example" },
    { DNS_TXT, 8, { 3, 'a', '"', 'b', 0, 2, 7, '\\' }, "\"a\\\"b\" \"\" \"\\007\\\\\"" },
    { DNS_SOA,
      25,
      { 0xc0, 16, 1, 'h', 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5 },
      "example h 1 2 3 4 5" },
    { 99, 2, { 0xab, 0xcd }, "\\# 2 abcd" },
};

static size_t make(size_t kind, uint8_t *ret_bytes) {
    static const uint8_t head[] = { HEAD(0x84, 0x00, 1) };
    const uint8_t record[] = { RECORD(kinds[kind].type, kinds[kind].len) };

    memcpy(ret_bytes, head, sizeof(head));
    memcpy(ret_bytes + sizeof(head), record, sizeof(record));
    memcpy(ret_bytes + sizeof(head) + sizeof(record), kinds[kind].data, kinds[kind].len);
    return sizeof(head) + sizeof(record) + kinds[kind].len;
}

static void each_type_is_read_for_a_person(void) {
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct dns_answer answer;
        uint8_t bytes[128];
        size_t len = make(i, bytes);

        CHECK(read_bytes(bytes, len, &answer) == 0);
        CHECK(answer.count == 1 && answer.is_authoritative && answer.rcode == 0);
        CHECK_TEXT(answer.records[0].name, "Www.example");
        CHECK_TEXT(answer.records[0].data, kinds[i].text);
        CHECK(answer.records[0].ttl_s == 3600);
        CHECK(answer.records[0].type == kinds[i].type);
        dns_answer_done(&answer);
    }
}

static void each_cut_message_is_refused(void) {
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        uint8_t bytes[128];
        size_t whole = make(i, bytes);

        for (size_t len = 0; len < whole; len++) {
            struct dns_answer answer = { .count = 77 };
            CHECK(read_bytes(bytes, len, &answer) != 0);
            CHECK(answer.count == 77);
        }
    }
}

static void data_of_another_length_are_refused(void) {
    for (size_t i = 0; i + 1 < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct dns_answer answer;
        uint8_t bytes[129] = { 0 };
        size_t len = make(i, bytes);

        bytes[ANSWER_AT + 11]++;
        bytes[len] = 5; /* of TXT: a string that is not there */
        CHECK(read_bytes(bytes, len + 1, &answer) == DNS_E_BAD);
    }
}

static void hostile_messages_are_refused(void) {
    static const struct {
        size_t len;
        uint8_t bytes[80];
    } rows[] = {
        /* a pointer to itself, forwards, into the head, and a ring of two */
        { 41, { HEAD(0x80, 0, 1), 0xc0, 29, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0 } },
        { 41, { HEAD(0x80, 0, 1), 0xc0, 40, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0 } },
        { 41, { HEAD(0x80, 0, 1), 0xc0, 2, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0 } },
        { 43, { HEAD(0x80, 0, 1), 1, 'a', 0xc0, 29, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0 } },
        /* reserved kinds of labels */
        { 41, { HEAD(0x80, 0, 1), 0x40, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0 } },
        { 41, { HEAD(0x80, 0, 1), 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0 } },
        /* more records than there are */
        { 45, { HEAD(0x80, 0, 2), RECORD(DNS_A, 4), 1, 2, 3, 4 } },
        /* a length over the end */
        { 45, { HEAD(0x80, 0, 1), RECORD(DNS_A, 5), 1, 2, 3, 4 } },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dns_answer answer;
        CHECK(read_bytes(rows[i].bytes, rows[i].len, &answer) == DNS_E_BAD);
    }
}

static void what_answers_something_else_is_told_apart(void) {
    uint8_t bytes[128];
    size_t len = make(0, bytes);
    struct dns_answer answer;

    static const size_t changed[] = { 0, 1, QUESTION_AT + 1, QUESTION_AT + 14 };
    for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
        bytes[changed[i]] ^= 1;
        CHECK(read_bytes(bytes, len, &answer) == DNS_E_OTHER);
        bytes[changed[i]] ^= 1;
    }
    bytes[2] &= 0x7f; /* a question */
    CHECK(read_bytes(bytes, len, &answer) == DNS_E_OTHER);
}

static void codes_and_truncation_are_told(void) {
    static const uint8_t missing[] = { HEAD(0x81, 0x83, 0) };
    static const uint8_t cut[] = { HEAD(0x82, 0, 9) };
    static const uint8_t unread[] = { 0x12, 0x34, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0 };
    struct dns_answer answer;
    char text[DNS_RCODE_TEXT_LEN];

    CHECK(read_bytes(missing, sizeof(missing), &answer) == 0);
    dns_rcode_print(answer.rcode, text);
    CHECK_TEXT(text, "NXDOMAIN");
    CHECK(!answer.is_authoritative);
    dns_answer_done(&answer);
    CHECK(read_bytes(cut, sizeof(cut), &answer) == 0);
    CHECK(answer.is_truncated && answer.count == 0);
    dns_answer_done(&answer);
    CHECK(read_bytes(unread, sizeof(unread), &answer) == 0);
    CHECK(answer.rcode == 1);
    dns_answer_done(&answer);
}

/* 16: the high bits come in OPT. */
static void the_rest_of_a_code_comes_with_edns(void) {
    uint8_t bytes[] = { HEAD(0x80, 0, 0), 0, 0, 41, 4, 0xd0, 1, 0, 0, 0, 0, 0 };
    struct dns_answer answer;
    char text[DNS_RCODE_TEXT_LEN];

    bytes[11] = 1; /* one record in the last section */
    CHECK(read_bytes(bytes, sizeof(bytes), &answer) == 0);
    dns_rcode_print(answer.rcode, text);
    CHECK_TEXT(text, "RCODE16");
    dns_answer_done(&answer);
}

static void types_have_names(void) {
    char text[DNS_TYPE_TEXT_LEN];

    CHECK(dns_type_parse("aaaa") == DNS_AAAA);
    CHECK(dns_type_parse("SRV") == DNS_SRV);
    CHECK(dns_type_parse("ANY") == 0);
    dns_type_print(DNS_SOA, text);
    CHECK_TEXT(text, "SOA");
    dns_type_print(65, text);
    CHECK_TEXT(text, "TYPE65");
}

TESTS(TEST(a_question_is_written_with_edns),
      TEST(names_that_cannot_be_are_refused),
      TEST(a_name_has_255_bytes_at_most),
      TEST(an_address_has_a_reverse_name),
      TEST(each_type_is_read_for_a_person),
      TEST(each_cut_message_is_refused),
      TEST(data_of_another_length_are_refused),
      TEST(hostile_messages_are_refused),
      TEST(what_answers_something_else_is_told_apart),
      TEST(codes_and_truncation_are_told),
      TEST(the_rest_of_a_code_comes_with_edns),
      TEST(types_have_names))
