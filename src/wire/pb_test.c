#include "wire/pb.h"

#include "base/check.h"
#include "base/mem.h"
#include "everything.pb-c.h"
#include "old.pb-c.h"

#define ALL  (&everything__all__descriptor)
#define PART (&old__part__descriptor)

/* The bytes of a string literal. */
#define BYTES(literal) slice_of(literal, sizeof(literal) - 1)

static void check_refused(const ProtobufCMessageDescriptor *type,
                          struct slice bytes,
                          int wanted) {
    ProtobufCMessage *message = NULL;

    CHECK_INT(pb_scan(type, bytes, PB_BUDGET), wanted);
    CHECK_INT(pb_unpack(type, bytes, &message), wanted);
    CHECK(message == NULL);
}

static void malformed_bytes_are_refused(void) {
    static const struct {
        const char *what;
        struct slice bytes;
    } rows[] = {
        { "field number 0", { (const uint8_t *)"\x00\x01", 2 } },
        { "a key without an end", { (const uint8_t *)"\x98", 1 } },
        { "a key of six bytes", { (const uint8_t *)"\x98\x80\x80\x80\x80\x00\x01", 7 } },
        { "a key over 32 bits", { (const uint8_t *)"\x98\x80\x80\x80\x10\x01", 6 } },
        { "no value", { (const uint8_t *)"\x18", 1 } },
        { "a varint without an end", { (const uint8_t *)"\x18\xff", 2 } },
        { "a varint of eleven bytes",
          { (const uint8_t *)"\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12 } },
        { "a double of seven bytes", { (const uint8_t *)"\x09\1\2\3\4\5\6\7", 8 } },
        { "a float of three bytes", { (const uint8_t *)"\x15\1\2\3", 4 } },
        { "a text that is too long", { (const uint8_t *)"\x72\x05hell", 6 } },
        { "a length of 4 GiB less one",
          { (const uint8_t *)"\x72\xff\xff\xff\xff\x0f", 6 } },
        { "a length over 32 bits", { (const uint8_t *)"\x72\x80\x80\x80\x80\x10", 6 } },
        { "a length of six bytes",
          { (const uint8_t *)"\x72\x80\x80\x80\x80\x80\x00", 7 } },
        { "a group", { (const uint8_t *)"\x1b\x1c", 2 } },
        { "an unknown group", { (const uint8_t *)"\xa3\x06\xa4\x06", 4 } },
        { "the end of a group", { (const uint8_t *)"\x1c", 1 } },
        { "wire type 6", { (const uint8_t *)"\x1e\x01", 2 } },
        { "wire type 7", { (const uint8_t *)"\x1f\x01", 2 } },
        { "an int32 as text", { (const uint8_t *)"\x1a\x01x", 3 } },
        { "an int32 as fixed32", { (const uint8_t *)"\x1d\1\2\3\4", 5 } },
        { "a text as varint", { (const uint8_t *)"\x70\x01", 2 } },
        { "bytes as varint", { (const uint8_t *)"\x78\x01", 2 } },
        { "a bool as text", { (const uint8_t *)"\x6a\x01\x01", 3 } },
        { "a message as varint", { (const uint8_t *)"\x88\x01\x01", 3 } },
        { "broken UTF-8", { (const uint8_t *)"\x72\x02\xc3\x28", 4 } },
        { "an overlong NUL", { (const uint8_t *)"\x72\x02\xc0\x80", 4 } },
        { "a NUL in a text", { (const uint8_t *)"\x72\x03x\0y", 5 } },
        { "the same message twice", { (const uint8_t *)"\x8a\x01\x00\x8a\x01\x00", 6 } },
        { "packed doubles of nine bytes",
          { (const uint8_t *)"\xaa\x01\x09\1\2\3\4\5\6\7\x08\x09", 12 } },
        { "a packed varint without an end",
          { (const uint8_t *)"\xba\x01\x02\x01\x80", 5 } },
        { "a packed bool of 2", { (const uint8_t *)"\x8a\x02\x01\x02", 4 } },
        { "texts as varint", { (const uint8_t *)"\x90\x02\x01", 3 } },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("# %s\n", rows[i].what);
        check_refused(ALL, rows[i].bytes, PB_E_BAD);
    }
}

static void no_bytes_are_a_message_of_defaults(void) {
    ProtobufCMessage *message = NULL;
    struct buf out = { 0 };

    CHECK_INT(pb_unpack(ALL, slice_of(NULL, 0), &message), 0);
    pb_pack(&out, message);
    CHECK(out.len == 0);
    buf_done(&out);
    CHECK(pb_free(message) == NULL);
    CHECK(pb_free(NULL) == NULL);
}

/* A message that has a bit of everything, packed. */
static void add_rich(struct buf *out) {
    Everything__All__Inner inner = EVERYTHING__ALL__INNER__INIT;
    Everything__All__Inner *inners[] = { &inner, &inner };
    Everything__All all = EVERYTHING__ALL__INIT;
    int32_t ints[] = { -1, 0, 300 };
    double doubles[] = { 0.5, -2 };
    protobuf_c_boolean bools[] = { 0, 1 };
    char *texts[] = { "a", "", "\xc3\xa4" };

    inner.name = "inner";
    all.f_double = 0.1;
    all.f_int32 = -7;
    all.f_sint64 = INT64_MIN;
    all.f_string = "text";
    all.f_bytes = (ProtobufCBinaryData) { .data = (uint8_t *)"\0\1\2", .len = 3 };
    all.f_inner = &inner;
    all.choice_case = EVERYTHING__ALL__CHOICE_C_INNER;
    all.c_inner = &inner;
    all.r_int32 = ints;
    all.n_r_int32 = 3;
    all.r_unpacked = ints;
    all.n_r_unpacked = 3;
    all.r_double = doubles;
    all.n_r_double = 2;
    all.r_bool = bools;
    all.n_r_bool = 2;
    all.r_string = texts;
    all.n_r_string = 3;
    all.r_inner = inners;
    all.n_r_inner = 2;
    all.far = 9;
    pb_pack(out, &all.base);
    /* Field 100 is unknown. */
    buf_add(out, "\xa2\x06\x03xyz", 6);
}

static void what_is_packed_comes_back(void) {
    struct buf one = { 0 };
    struct buf two = { 0 };
    auto_(pb_freep) ProtobufCMessage *message = NULL;

    add_rich(&one);
    CHECK_INT(pb_unpack(ALL, buf_slice(&one), &message), 0);
    CHECK_INT(((Everything__All *)message)->f_int32, -7);
    CHECK(message->n_unknown_fields == 1);
    pb_pack(&two, message);
    CHECK(slice_equal(buf_slice(&one), buf_slice(&two)));
    buf_done(&one);
    buf_done(&two);
}

/* Each prefix either is a message of its own or is refused; nothing reads behind it. */
static void truncated_bytes_are_refused_or_shorter(void) {
    struct buf whole = { 0 };
    size_t refused = 0;

    add_rich(&whole);
    for (size_t len = 0; len < whole.len; len++) {
        uint8_t *copy = mem_dup(whole.data, len);
        ProtobufCMessage *message = NULL;
        int r = pb_unpack(ALL, slice_of(copy, len), &message);
        CHECK(r == 0 || r == PB_E_BAD);
        refused += r == PB_E_BAD;
        pb_free(message);
        free(copy);
    }
    CHECK(refused > whole.len / 2);
    buf_done(&whole);
}

/* Each byte changed in turn: whatever it becomes, it ends well. */
static void changed_bytes_do_no_harm(void) {
    struct buf whole = { 0 };

    add_rich(&whole);
    for (size_t i = 0; i < whole.len * 8; i++) {
        ProtobufCMessage *message = NULL;
        whole.data[i / 8] ^= (uint8_t)(1 << i % 8);
        pb_unpack(ALL, buf_slice(&whole), &message);
        pb_free(message);
        whole.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    buf_done(&whole);
}

/* Wraps out in levels of f_inner (in All) or below and one (in Inner). */
static void wrap(struct buf *out, size_t levels) {
    for (size_t i = 0; i < levels; i++) {
        struct buf outer = { 0 };
        buf_add_byte(&outer, 0x1a); /* Inner.one */
        size_t len = out->len;
        for (; len >= 0x80; len >>= 7)
            buf_add_byte(&outer, (uint8_t)(len | 0x80));
        buf_add_byte(&outer, (uint8_t)len);
        buf_add_slice(&outer, buf_slice(out));
        buf_done(out);
        *out = outer;
    }
}

static void sixty_four_levels_are_the_limit(void) {
    const ProtobufCMessageDescriptor *inner = &everything__all__inner__descriptor;
    struct buf bytes = { 0 };
    ProtobufCMessage *message = NULL;

    wrap(&bytes, PB_DEPTH_MAX - 1);
    CHECK_INT(pb_unpack(inner, buf_slice(&bytes), &message), 0);
    pb_free(message);
    wrap(&bytes, 1);
    check_refused(inner, buf_slice(&bytes), PB_E_TOO_BIG);
    buf_done(&bytes);
}

/* Built from the inside out by lengths alone, 390 kB of nesting. */
static void deep_nesting_is_refused(void) {
    enum { LEN = 390 * 1000, LEVELS = LEN / 4 };
    uint8_t *bytes = mem_new(LEN);
    size_t at = 0;

    for (size_t left = LEN; left >= 4 && at + 4 <= LEN; left -= 4) {
        size_t body = left - 4;
        bytes[at++] = 0x1a;
        bytes[at++] = (uint8_t)(body & 0x7f) | 0x80;
        bytes[at++] = (uint8_t)(body >> 7 & 0x7f) | 0x80;
        bytes[at++] = (uint8_t)(body >> 14 & 0x7f);
    }
    check_refused(&everything__all__inner__descriptor, slice_of(bytes, LEN),
                  PB_E_TOO_BIG);
    free(bytes);
}

/* Repeats a few bytes until they are 4 MB. */
static void check_bomb(struct slice part) {
    struct buf bytes = { 0 };

    while (bytes.len < 4 << 20)
        buf_add_slice(&bytes, part);
    check_refused(ALL, buf_slice(&bytes), PB_E_TOO_BIG);
    buf_done(&bytes);
}

static void four_megabytes_of_little_things_are_refused(void) {
    check_bomb(BYTES("\xaa\x02\x00")); /* empty messages */
    check_bomb(BYTES("\x92\x02\x00")); /* empty texts */
    check_bomb(BYTES("\x9a\x02\x00")); /* empty bytes */
    check_bomb(BYTES("\xb0\x02\x01")); /* numbers not packed */
    check_bomb(BYTES("\xa0\x06\x01")); /* unknown fields */
    check_bomb(BYTES("\x18\x01"));     /* one field again and again */
    check_bomb(BYTES("\x9a\x03\x00")); /* empty entries of a map */
    check_bomb(BYTES("\xa0\x02\x01")); /* numbers again */
}

/* 4 MB of packed int64 would be 32 MB of them. */
static void packed_numbers_are_charged_as_unpacked(void) {
    struct buf bytes = { 0 };

    buf_add(&bytes, "\xc2\x01\x80\x80\x80\x02", 6);
    memset(buf_room(&bytes, 4 << 20), 1, 4 << 20);
    buf_added(&bytes, 4 << 20);
    check_refused(ALL, buf_slice(&bytes), PB_E_TOO_BIG);
    buf_done(&bytes);
}

static void the_budget_is_the_callers(void) {
    struct buf bytes = { 0 };

    add_rich(&bytes);
    CHECK_INT(pb_scan(ALL, buf_slice(&bytes), 1 << 14), 0);
    CHECK_INT(pb_scan(ALL, buf_slice(&bytes), 1 << 10), PB_E_TOO_BIG);
    CHECK_INT(pb_scan(ALL, slice_of(NULL, 0), 0), PB_E_TOO_BIG);
    buf_done(&bytes);
}

static void a_required_field_must_be_there(void) {
    ProtobufCMessage *message = NULL;

    check_refused(PART, slice_of(NULL, 0), PB_E_BAD);
    check_refused(PART, BYTES("\x0a\x01x\x5a\x00"), PB_E_BAD);
    CHECK_INT(pb_unpack(PART, BYTES("\x0a\x01x"), &message), 0);
    CHECK_INT(((Old__Part *)message)->count, -4);
    pb_free(message);
}

static void the_last_of_a_oneof_counts(void) {
    ProtobufCMessage *message = NULL;
    Everything__All *all;

    CHECK_INT(pb_unpack(ALL,
                        BYTES("\xe2\x02\x03\x0a\x01x\xd2\x02\x01s\xe2\x02\x03\x0a\x01y"),
                        &message),
              0);
    all = (Everything__All *)message;
    CHECK_INT(all->choice_case, EVERYTHING__ALL__CHOICE_C_INNER);
    CHECK_TEXT(all->c_inner->name, "y");
    pb_free(message);
}

static void a_new_message_holds_its_defaults(void) {
    auto_(pb_freep) ProtobufCMessage *message = pb_new(PART);
    Old__Part *part = (Old__Part *)message;

    CHECK_INT(part->count, -4);
    CHECK_TEXT(part->label, "a \"label\"");
    CHECK_INT(part->raw.len, 3);
}

static void what_is_lent_is_packed_and_stays_with_its_owner(void) {
    Old__Part part = OLD__PART__INIT;
    auto_(buf_done) struct buf out = { 0 };
    auto_(pb_freep) ProtobufCMessage *copy = NULL;
    const char *text = "lent";

    part.label = pb_lend(text);
    CHECK(part.label == text);
    pb_pack(&out, &part.base);
    CHECK_INT(pb_unpack(PART, buf_slice(&out), &copy), 0);
    CHECK_TEXT(((Old__Part *)copy)->label, "lent");
}

static void nothing_is_lent_as_an_empty_text(void) {
    CHECK_TEXT(pb_lend(NULL), "");
}

TESTS(TEST(malformed_bytes_are_refused),
      TEST(no_bytes_are_a_message_of_defaults),
      TEST(what_is_packed_comes_back),
      TEST(truncated_bytes_are_refused_or_shorter),
      TEST(changed_bytes_do_no_harm),
      TEST(sixty_four_levels_are_the_limit),
      TEST(deep_nesting_is_refused),
      TEST(four_megabytes_of_little_things_are_refused),
      TEST(packed_numbers_are_charged_as_unpacked),
      TEST(the_budget_is_the_callers),
      TEST(a_required_field_must_be_there),
      TEST(the_last_of_a_oneof_counts),
      TEST(a_new_message_holds_its_defaults),
      TEST(what_is_lent_is_packed_and_stays_with_its_owner),
      TEST(nothing_is_lent_as_an_empty_text))
