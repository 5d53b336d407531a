#include "rpc/fileset.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/varint.h"
#include "rpc/descriptors.h"

static struct slice own(void) {
    return slice_of(descriptors_data, descriptors_len);
}

/* A file of this name with an import and a service, as protoc would say it. */
static void add_file(struct buf *out, const char *name, const char *import) {
    static const char service[] = "\x32\x03\x0a\x01S";

    buf_printf(out, "\x0a%c%s\x12\x01p", (char)strlen(name), name);
    if (import)
        buf_printf(out, "\x1a%c%s", (char)strlen(import), import);
    buf_add(out, service, sizeof(service) - 1);
}

static int add(struct fileset *set, const char *name, const char *import) {
    struct buf file = { 0 };

    add_file(&file, name, import);
    int r = fileset_add(set, buf_slice(&file));
    buf_done(&file);
    return r;
}

static void a_set_tells_its_services_and_comes_back_whole(void) {
    struct fileset *set = fileset_new();
    struct fileset *again = fileset_new();

    CHECK_INT(fileset_add_set(set, own()), 0);
    CHECK(fileset_has_service(set, "roost.v1.Nodes"));
    CHECK(fileset_has_service(set, "grpc.health.v1.Health"));
    CHECK(!fileset_has_service(set, "roost.v1"));
    CHECK(!fileset_missing(set));
    size_t count = 0;
    while (fileset_service_at(set, count))
        count++;
    CHECK(count > 5);

    CHECK_INT(fileset_add_set(again, fileset_bytes(set)), 0);
    CHECK(slice_equal(fileset_bytes(set), fileset_bytes(again)));
    CHECK_INT(fileset_add_set(again, fileset_bytes(set)), 0); /* each name once */
    CHECK(slice_equal(fileset_bytes(set), fileset_bytes(again)));
    fileset_free(set);
    fileset_free(again);
}

static void imports_are_missing_until_they_come_or_are_given_up(void) {
    struct fileset *set = fileset_new();

    CHECK(!fileset_missing(set));
    CHECK_INT(add(set, "a", "b"), 0);
    CHECK_TEXT(fileset_missing(set), "b");
    CHECK_INT(add(set, "b", "c"), 0);
    CHECK_TEXT(fileset_missing(set), "c");
    fileset_give_up(set, "c");
    CHECK(!fileset_missing(set));
    CHECK_TEXT(fileset_service_at(set, 0), "p.S");
    fileset_free(set);
}

static void what_is_no_file_is_refused(void) {
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        { "", 0 },         /* no name */
        { "\x0a\x00", 2 }, /* an empty one */
        { "\x0a\x05"
          "abc",
          5 },                     /* cut */
        { "\x0a\x01\xff", 3 },     /* no UTF-8 */
        { "\xff\xff\xff\xff", 4 }, /* nothing at all */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fileset *set = fileset_new();
        CHECK_INT(fileset_add(set, slice_of(rows[i].bytes, rows[i].len)), FILESET_E_BAD);
        CHECK_INT(fileset_bytes(set).len, 0);
        fileset_free(set);
    }
}

static void every_beginning_of_a_set_is_taken_or_refused(void) {
    for (size_t len = 0; len < 3000 && len < own().len; len++) {
        struct fileset *set = fileset_new();
        int r = fileset_add_set(set, slice_of(own().at, len));
        CHECK(r == 0 || r == FILESET_E_BAD);
        fileset_free(set);
    }
}

static void no_more_than_the_limit_is_kept(void) {
    struct fileset *set = fileset_new();
    struct buf file = { 0 };
    int r = 0;

    for (int i = 0; i < 100 && r == 0; i++) {
        auto_(mem_freep) char *name = mem_printf("%d", i);
        auto_(mem_freep) char *filler = mem_new(30000); /* an unknown field */
        buf_clear(&file);
        add_file(&file, name, NULL);
        buf_add_text(&file, "\xfa\x3f");
        varint_add(&file, 30000);
        buf_add(&file, filler, 30000);
        r = fileset_add(set, buf_slice(&file));
    }
    CHECK_INT(r, FILESET_E_TOO_BIG);
    CHECK(fileset_bytes(set).len <= FILESET_BYTES_MAX);
    CHECK(fileset_bytes(set).len > FILESET_BYTES_MAX - 40000);
    auto_(mem_freep) char *huge = mem_new(FILESET_BYTES_MAX + 1);
    CHECK_INT(fileset_add_set(set, slice_of(huge, FILESET_BYTES_MAX + 1)),
              FILESET_E_TOO_BIG);
    buf_done(&file);
    fileset_free(set);
}

TESTS(TEST(a_set_tells_its_services_and_comes_back_whole),
      TEST(imports_are_missing_until_they_come_or_are_given_up),
      TEST(what_is_no_file_is_refused),
      TEST(every_beginning_of_a_set_is_taken_or_refused),
      TEST(no_more_than_the_limit_is_kept))
