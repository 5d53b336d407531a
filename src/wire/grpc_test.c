#include "wire/grpc.h"

#include <string.h>
#include <zlib.h>

#include "base/check.h"
#include "base/mem.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { MESSAGE_MAX = 100000 };

/* Repeats itself, so that it packs well, across several chunks of a pipe. */
static void fill(uint8_t *at, size_t len) {
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)('a' + i % 8 + i / 1000);
}

static void fill_random(uint8_t *at, size_t len) {
    uint32_t x = 12345;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525 + 1013904223;
        at[i] = (uint8_t)(x >> 24);
    }
}

static void messages_come_out_at_any_split(void) {
    for (enum grpc_encoding encoding = GRPC_IDENTITY; encoding <= GRPC_GZIP; encoding++) {
        uint8_t body[300];
        struct buf wire, message;
        buf_init(&wire);
        buf_init(&message);
        fill(body, sizeof(body));
        grpc_message_add(&wire, slice_of(body, sizeof(body)), encoding);
        size_t first = wire.len;
        grpc_message_add(&wire, slice_of(NULL, 0), encoding);

        for (size_t cut = 0; cut <= wire.len; cut++) {
            struct pipe pipe;
            size_t taken = 99;
            pipe_init(&pipe);
            pipe_add(&pipe, slice_of(wire.data, cut));
            int r = grpc_message_take(&pipe, encoding, MESSAGE_MAX, &message, &taken);
            CHECK_INT(r, cut < first ? GRPC_E_MORE : 0);
            if (r != 0) {
                CHECK_INT(taken, 99);
                CHECK_INT(pipe.len, cut);
            }
            pipe_add(&pipe, slice_of(wire.data + cut, wire.len - cut));
            if (r != 0)
                CHECK_INT(
                    grpc_message_take(&pipe, encoding, MESSAGE_MAX, &message, &taken), 0);
            CHECK_INT(taken, first);
            CHECK(slice_equal(buf_slice(&message), slice_of(body, sizeof(body))));

            CHECK_INT(grpc_message_take(&pipe, encoding, MESSAGE_MAX, &message, &taken),
                      0);
            CHECK_INT(taken, 5);
            CHECK_INT(message.len, 0);
            CHECK_INT(pipe.len, 0);
        }
        buf_done(&wire);
        buf_done(&message);
    }
}

static void messages_come_out_byte_at_a_time(void) {
    static uint8_t body[60000];
    fill(body, sizeof(body));
    for (enum grpc_encoding encoding = GRPC_IDENTITY; encoding <= GRPC_GZIP; encoding++) {
        struct buf wire, message;
        struct pipe pipe;
        size_t taken, found = 0;
        buf_init(&wire);
        buf_init(&message);
        pipe_init(&pipe);
        grpc_message_add(&wire, slice_of(body, sizeof(body)), encoding);

        for (size_t i = 0; i < wire.len; i++) {
            pipe_add(&pipe, slice_of(wire.data + i, 1));
            if (grpc_message_take(&pipe, encoding, MESSAGE_MAX, &message, &taken) == 0)
                found = i + 1;
        }
        CHECK_INT(found, wire.len);
        CHECK_INT(taken, wire.len);
        CHECK(slice_equal(buf_slice(&message), slice_of(body, sizeof(body))));
        buf_done(&wire);
        buf_done(&message);
    }
}

/* Takes from bytes that are all there. */
static int take(const void *bytes, size_t len, enum grpc_encoding encoding, size_t max) {
    struct pipe pipe;
    struct buf message;
    size_t taken = 99;
    pipe_init(&pipe);
    buf_init(&message);
    pipe_add(&pipe, slice_of(bytes, len));
    int r = grpc_message_take(&pipe, encoding, max, &message, &taken);
    CHECK(r == 0 || taken == 99);
    CHECK(message.len <= max + 1);
    CHECK(message.cap <= 2 * max + 65536);
    buf_done(&message);
    pipe_done(&pipe);
    return r;
}

static void hostile_prefixes_are_refused(void) {
    static const struct {
        uint8_t bytes[6];
        size_t len;
        enum grpc_encoding encoding;
        int wanted;
    } rows[] = {
        { { 0, 0, 0, 0, 0 }, 5, GRPC_IDENTITY, 0 },
        { { 0, 0, 0, 0, 1, 'x' }, 6, GRPC_IDENTITY, 0 },
        { { 0, 0, 0, 0, 1, 'x' }, 6, GRPC_GZIP, 0 },
        { { 1, 0, 0, 0, 0 }, 5, GRPC_IDENTITY, GRPC_E_BAD },
        { { 1, 0, 0, 0, 0 }, 5, GRPC_GZIP, GRPC_E_BAD },
        { { 1, 0, 0, 0, 1, 0x1f }, 6, GRPC_GZIP, GRPC_E_BAD },
        { { 1, 0, 0, 0, 1, 'x' }, 6, GRPC_GZIP, GRPC_E_BAD },
        { { 2, 0, 0, 0, 0 }, 5, GRPC_GZIP, GRPC_E_BAD },
        { { 0x80, 0, 0, 0, 0 }, 5, GRPC_GZIP, GRPC_E_BAD },
        { { 255, 255, 255, 255, 255 }, 5, GRPC_GZIP, GRPC_E_BAD },
        { { 0, 0, 0, 0, 11 }, 5, GRPC_IDENTITY, GRPC_E_TOO_LONG },
        { { 1, 0, 0, 0, 11 }, 5, GRPC_GZIP, GRPC_E_TOO_LONG },
        { { 0, 0xff, 0xff, 0xff, 0xff }, 5, GRPC_IDENTITY, GRPC_E_TOO_LONG },
        { { 0, 0, 0, 0, 10 }, 5, GRPC_IDENTITY, GRPC_E_MORE },
        { { 'H', 'T', 'T', 'P', '/' }, 5, GRPC_IDENTITY, GRPC_E_BAD },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(take(rows[i].bytes, rows[i].len, rows[i].encoding, 10), rows[i].wanted);
}

/* A packed message with the given bytes in place of its own prefix length. */
static void packed(struct buf *out, struct slice body, const char *tail, size_t less) {
    struct buf whole;
    buf_init(&whole);
    grpc_message_add(&whole, body, GRPC_GZIP);
    CHECK_INT(whole.data[0], 1);
    size_t len = whole.len - 5 - less + strlen(tail);
    const uint8_t prefix[] = { 1, (uint8_t)(len >> 24), (uint8_t)(len >> 16),
                               (uint8_t)(len >> 8), (uint8_t)len };
    buf_clear(out);
    buf_add(out, prefix, 5);
    buf_add(out, whole.data + 5, whole.len - 5 - less);
    buf_add_text(out, tail);
    buf_done(&whole);
}

static void damaged_gzip_is_refused(void) {
    uint8_t body[500];
    struct buf wire;
    buf_init(&wire);
    fill(body, sizeof(body));
    packed(&wire, slice_of(body, sizeof(body)), "", 0);
    CHECK_INT(take(wire.data, wire.len, GRPC_GZIP, 1000), 0);

    size_t gzip_len = wire.len - 5;
    for (size_t less = 1; less <= gzip_len; less++) {
        packed(&wire, slice_of(body, sizeof(body)), "", less);
        CHECK_INT(take(wire.data, wire.len, GRPC_GZIP, 1000), GRPC_E_BAD);
    }
    packed(&wire, slice_of(body, sizeof(body)), "x", 0);
    CHECK_INT(take(wire.data, wire.len, GRPC_GZIP, 1000), GRPC_E_BAD);

    /* A wrong checksum, the last but the eighth byte. */
    packed(&wire, slice_of(body, sizeof(body)), "", 0);
    wire.data[wire.len - 8] ^= 1;
    CHECK_INT(take(wire.data, wire.len, GRPC_GZIP, 1000), GRPC_E_BAD);
    buf_done(&wire);
}

/* zlib's own format and bare deflate are not gzip. */
static void other_formats_are_not_gzip(void) {
    uint8_t body[500], out[600] = { 1 };
    uLongf len = sizeof(out) - 5;
    fill(body, sizeof(body));
    CHECK_INT(compress(out + 5, &len, body, sizeof(body)), Z_OK);
    out[3] = (uint8_t)(len >> 8);
    out[4] = (uint8_t)len;
    CHECK_INT(take(out, len + 5, GRPC_GZIP, 1000), GRPC_E_BAD);
}

static void bombs_are_refused_at_the_limit(void) {
    enum { LEN = 10 << 20 };
    uint8_t *body = mem_new(LEN);
    struct buf wire;
    buf_init(&wire);
    packed(&wire, slice_of(body, LEN), "", 0);
    CHECK(wire.len < 20000);

    static const size_t limits[] = { 20000, 65535, 65536, 1 << 20, LEN - 1 };
    for (size_t i = 0; i < COUNT(limits); i++)
        CHECK_INT(take(wire.data, wire.len, GRPC_GZIP, limits[i]), GRPC_E_TOO_LONG);
    CHECK_INT(take(wire.data, wire.len, GRPC_GZIP, LEN), 0);
    buf_done(&wire);
    free(body);
}

/* Each length around the limit, packed small enough to pass the first check. */
static void the_limit_is_exact(void) {
    uint8_t body[300];
    struct buf wire;
    buf_init(&wire);
    fill(body, sizeof(body));
    for (size_t len = 190; len < 210; len++) {
        buf_clear(&wire);
        grpc_message_add(&wire, slice_of(body, len), GRPC_GZIP);
        CHECK_INT(wire.data[0], 1);
        CHECK_INT(take(wire.data, wire.len, GRPC_GZIP, 200),
                  len <= 200 ? 0 : GRPC_E_TOO_LONG);
        buf_clear(&wire);
        grpc_message_add(&wire, slice_of(body, len), GRPC_IDENTITY);
        CHECK_INT(take(wire.data, wire.len, GRPC_IDENTITY, 200),
                  len <= 200 ? 0 : GRPC_E_TOO_LONG);
    }
    buf_done(&wire);
}

static void what_does_not_pack_goes_as_it_is(void) {
    uint8_t body[1000];
    struct buf wire;
    buf_init(&wire);
    fill_random(body, sizeof(body));
    buf_add_text(&wire, "before");
    grpc_message_add(&wire, slice_of(body, sizeof(body)), GRPC_GZIP);
    CHECK_INT(wire.len, 6 + 5 + sizeof(body));
    CHECK(memcmp(wire.data, "before\0\0\0\x03\xe8", 11) == 0);
    CHECK(memcmp(wire.data + 11, body, sizeof(body)) == 0);
    buf_done(&wire);
}

static void encodings_are_told_apart(void) {
    enum grpc_encoding encoding = GRPC_GZIP;
    CHECK(grpc_encoding_parse(NULL, &encoding));
    CHECK_INT(encoding, GRPC_IDENTITY);
    CHECK(grpc_encoding_parse("gzip", &encoding));
    CHECK_INT(encoding, GRPC_GZIP);
    CHECK(grpc_encoding_parse("identity", &encoding));
    CHECK_INT(encoding, GRPC_IDENTITY);
    CHECK(!grpc_encoding_parse("", &encoding));
    CHECK(!grpc_encoding_parse("deflate", &encoding));
    CHECK(!grpc_encoding_parse("gzip, identity", &encoding));
}

static void timeouts_are_read(void) {
    static const struct {
        const char *text;
        bool is_good;
        uint64_t ms;
    } rows[] = {
        { "100m", true, 100 },
        { "0m", true, 0 },
        { "0n", true, 0 },
        { "1n", true, 1 },
        { "999999n", true, 1 },
        { "1000000n", true, 1 },
        { "1000001n", true, 2 },
        { "1u", true, 1 },
        { "1000u", true, 1 },
        { "1001u", true, 2 },
        { "1S", true, 1000 },
        { "2M", true, 120000 },
        { "99999999H", true, UINT64_C(359999996400000) },
        { "00000001H", true, 3600000 },
        { "", false, 0 },
        { "m", false, 0 },
        { "1", false, 0 },
        { "1s", false, 0 },
        { "1h", false, 0 },
        { "1mm", false, 0 },
        { "1 m", false, 0 },
        { " 1m", false, 0 },
        { "-1m", false, 0 },
        { "+1m", false, 0 },
        { "1.5S", false, 0 },
        { "0x1m", false, 0 },
        { "000000001m", false, 0 },
        { "123456789m", false, 0 },
        { "99999999999999999999999m", false, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t ms = 77;
        CHECK(grpc_timeout_parse(rows[i].text, &ms) == rows[i].is_good);
        CHECK_INT(ms, rows[i].is_good ? rows[i].ms : 77);
    }
}

static void timeouts_are_written(void) {
    static const struct {
        uint64_t ms;
        const char *wanted;
    } rows[] = {
        { 0, "0m" },
        { 1, "1m" },
        { 99999999, "99999999m" },
        { 100000000, "100000S" },
        { 100000001, "100001S" },
        { UINT64_C(99999999000), "99999999S" },
        { UINT64_C(99999999001), "1666667M" },
        { UINT64_C(5999999940001), "1666667H" },
        { UINT64_MAX, "99999999H" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[16];
        uint64_t back;
        grpc_timeout_write(rows[i].ms, text);
        CHECK_TEXT(text, rows[i].wanted);
        CHECK(grpc_timeout_parse(text, &back));
        CHECK(back >= rows[i].ms || rows[i].ms == UINT64_MAX);
    }
}

static void texts_are_escaped_and_back(void) {
    static const struct {
        const char *plain;
        const char *wire;
    } rows[] = {
        { "", "" },
        { "no such node: attic", "no such node: attic" },
        { "100% of\nit", "100%25 of%0Ait" },
        { "\xc3\xa4\x7f\x01", "%C3%A4%7F%01" },
        { "~ ~", "~ ~" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out;
        buf_init(&out);
        grpc_text_encode(&out, rows[i].plain);
        CHECK_TEXT(buf_text(&out), rows[i].wire);
        buf_clear(&out);
        grpc_text_decode(&out, rows[i].wire);
        CHECK_TEXT(buf_text(&out), rows[i].plain);
        buf_done(&out);
    }
}

static void bad_escapes_stay(void) {
    static const struct {
        const char *wire;
        const char *plain;
    } rows[] = {
        { "%", "%" },       { "a%4", "a%4" },       { "%zz", "%zz" },
        { "%4g", "%4g" },   { "%%41", "%A" },       { "%c3%a4", "\xc3\xa4" },
        { "%00x", "%00x" }, { "%2541", "%41" },     { "\xff", "\xff" },
        { "%-1", "%-1" },   { "%20%7e%2", " ~%2" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out;
        buf_init(&out);
        grpc_text_decode(&out, rows[i].wire);
        CHECK_TEXT(buf_text(&out), rows[i].plain);
        buf_done(&out);
    }
}

static void content_types_are_told_apart(void) {
    static const char *const good[] = { "application/grpc", "application/grpc+proto",
                                        "Application/GRPC",
                                        "application/grpc;charset=utf-8",
                                        "application/grpc+proto ; x" };
    static const char *const bad[] = { "",
                                       "application/grpc+json",
                                       "application/grpc-web",
                                       "application/grpc-web+proto",
                                       "application/grpcx",
                                       "application/grpc+protobuf",
                                       "application/json",
                                       "text/html" };
    for (size_t i = 0; i < COUNT(good); i++)
        CHECK(grpc_is_content_type(good[i]));
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(!grpc_is_content_type(bad[i]));
    CHECK(!grpc_is_content_type(NULL));
}

static void statuses_have_names_and_numbers(void) {
    CHECK_TEXT(grpc_status_name(GRPC_NOT_FOUND), "NOT_FOUND");
    CHECK_TEXT(grpc_status_name(GRPC_UNAUTHENTICATED), "UNAUTHENTICATED");
    CHECK_TEXT(grpc_status_name(17), "UNKNOWN");
    CHECK_TEXT(grpc_status_name(-1), "UNKNOWN");
    CHECK_INT(grpc_http_of_status(GRPC_UNAVAILABLE), 503);
    CHECK_INT(grpc_http_of_status(GRPC_CANCELLED), 499);
    CHECK_INT(grpc_http_of_status(1000), 500);
    CHECK_TEXT(grpc_connect_code(GRPC_CANCELLED), "canceled");
    CHECK_TEXT(grpc_connect_code(-5), "unknown");
    for (int status = GRPC_OK; status <= GRPC_UNAUTHENTICATED; status++)
        CHECK(grpc_status_name(status) && grpc_connect_code(status) &&
              grpc_http_of_status(status) >= 200);
    CHECK_INT(grpc_status_of_http(404), GRPC_UNIMPLEMENTED);
    CHECK_INT(grpc_status_of_http(503), GRPC_UNAVAILABLE);
    CHECK_INT(grpc_status_of_http(401), GRPC_UNAUTHENTICATED);
    CHECK_INT(grpc_status_of_http(200), GRPC_UNKNOWN);
}

TESTS(TEST(messages_come_out_at_any_split),
      TEST(messages_come_out_byte_at_a_time),
      TEST(hostile_prefixes_are_refused),
      TEST(damaged_gzip_is_refused),
      TEST(other_formats_are_not_gzip),
      TEST(bombs_are_refused_at_the_limit),
      TEST(the_limit_is_exact),
      TEST(what_does_not_pack_goes_as_it_is),
      TEST(encodings_are_told_apart),
      TEST(timeouts_are_read),
      TEST(timeouts_are_written),
      TEST(texts_are_escaped_and_back),
      TEST(bad_escapes_stay),
      TEST(content_types_are_told_apart),
      TEST(statuses_have_names_and_numbers))
