#include "cli/calls/call_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

struct place {
    char top[64];
    char *folder; /* owned */
};

static void open_place(struct place *place) {
    snprintf(place->top, sizeof(place->top), "/tmp/roost-call-cache-XXXXXX");
    CHECK(mkdtemp(place->top));
    place->folder = mem_printf("%s/roost", place->top);
    setenv("XDG_CACHE_HOME", place->top, 1);
}

static void close_place(struct place *place) {
    auto_(mem_freep) char *command = mem_printf("rm -rf '%s'", place->top);

    CHECK_INT(system(command), 0);
    free(place->folder);
}

/* Makes everything that is kept so many seconds old. */
static void make_older(const struct place *place, long seconds) {
    auto_(mem_freep) char *command = mem_printf(
        "touch -d @%ld '%s'/methods-*", (long)time(NULL) - seconds, place->folder);

    CHECK_INT(system(command), 0);
}

static void what_is_kept_is_of_its_node_and_hub(void) {
    struct place place;
    struct buf out = { 0 };
    struct stat status;

    open_place(&place);
    CHECK(!call_cache_read("https://a:1", "pi", &out));
    call_cache_write("https://a:1", "pi", slice_of_text("x.Y/Z\n"));
    CHECK(call_cache_read("https://a:1", "pi", &out));
    CHECK_TEXT(buf_text(&out), "x.Y/Z\n");
    CHECK(!call_cache_read("https://a:1", "pj", &out));
    CHECK(!call_cache_read("https://b:1", "pi", &out));
    CHECK(!call_cache_read("https://a:1", NULL, &out));
    CHECK_INT(stat(place.folder, &status), 0);
    CHECK_INT(status.st_mode & 0777, 0700);
    buf_done(&out);
    close_place(&place);
}

static void it_lasts_for_a_minute(void) {
    struct place place;
    struct buf out = { 0 };

    open_place(&place);
    call_cache_write("https://a:1", "../../x", slice_of_text("x.Y/Z\n"));
    make_older(&place, 50);
    CHECK(call_cache_read("https://a:1", "../../x", &out));
    make_older(&place, 70);
    CHECK(!call_cache_read("https://a:1", "../../x", &out));
    make_older(&place, -1000); /* the clock was set back */
    CHECK(!call_cache_read("https://a:1", "../../x", &out));
    buf_done(&out);
    close_place(&place);
}

static void without_a_place_nothing_is_kept(void) {
    struct buf out = { 0 };

    setenv("XDG_CACHE_HOME", "relative", 1);
    unsetenv("HOME");
    call_cache_write("https://a:1", "pi", slice_of_text("x"));
    CHECK(!call_cache_read("https://a:1", "pi", &out));
    setenv("XDG_CACHE_HOME", "/dev/null", 1);
    call_cache_write("https://a:1", "pi", slice_of_text("x"));
    CHECK(!call_cache_read("https://a:1", "pi", &out));
}

TESTS(TEST(what_is_kept_is_of_its_node_and_hub),
      TEST(it_lasts_for_a_minute),
      TEST(without_a_place_nothing_is_kept))
