#include "cli/calls/input.h"

#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/loop.h"

/* What came out of an input. */
struct seen {
    struct loop *loop;
    struct input *input;
    size_t objects;
    size_t bytes;
    char *why;
    bool pauses; /* after each object, until the test goes on */
    bool ended;
};

static void on_object(void *user, struct slice object) {
    struct seen *seen = user;

    seen->objects++;
    seen->bytes += object.len;
    if (seen->pauses) {
        input_pause(seen->input, true);
        loop_stop(seen->loop);
    }
}

static void on_end(void *user, const char *why) {
    struct seen *seen = user;

    CHECK(!seen->ended);
    seen->ended = true;
    seen->why = mem_strdup(why);
    loop_stop(seen->loop);
}

static const struct input_events events = { .on_object = on_object, .on_end = on_end };

static void finish(struct seen *seen) {
    input_free(seen->input);
    loop_free(seen->loop);
    free(seen->why);
}

static void a_text_gives_its_objects_and_ends(void) {
    struct seen seen = { .loop = loop_new() };

    seen.input = input_new_text(seen.loop, "{\"a\":1} {}\n{}", &events, &seen);
    CHECK_INT(seen.objects, 0);
    loop_run(seen.loop);
    CHECK(seen.ended && !seen.why);
    CHECK_INT(seen.objects, 3);
    finish(&seen);
}

static void what_is_wrong_ends_it_with_its_line(void) {
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        { "{}\n\nx", "line 3" },
        { "{}\n{", "ends inside" },
        { "[]", "line 1" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct seen seen = { .loop = loop_new() };

        seen.input = input_new_text(seen.loop, rows[i].text, &events, &seen);
        loop_run(seen.loop);
        CHECK(seen.ended && seen.why);
        CHECK(strstr(seen.why, rows[i].why));
        finish(&seen);
    }
}

static void a_paused_input_gives_one_at_a_time(void) {
    struct seen seen = { .loop = loop_new(), .pauses = true };

    seen.input = input_new_text(seen.loop, "{}{}{}", &events, &seen);
    for (size_t i = 1; i <= 3; i++) {
        loop_run(seen.loop);
        CHECK_INT(seen.objects, i);
        CHECK(!seen.ended);
        input_pause(seen.input, false);
    }
    loop_run(seen.loop);
    CHECK(seen.ended && !seen.why);
    finish(&seen);
}

static void a_file_larger_than_a_chunk_is_read_whole(void) {
    enum { COUNT = 20000 };
    char path[] = "/tmp/roost-input-XXXXXX";
    struct seen seen = { .loop = loop_new() };
    int fd = mkstemp(path);

    FILE *file = fdopen(fd, "w");
    for (int i = 0; i < COUNT; i++)
        fprintf(file, "{\"number\":%05d}\n", i);
    fclose(file);
    CHECK_INT(input_new_file(seen.loop, path, &events, &seen, &seen.input), 0);
    loop_run(seen.loop);
    CHECK(seen.ended && !seen.why);
    CHECK_INT(seen.objects, COUNT);
    CHECK_INT(seen.bytes, COUNT * 16);
    unlink(path);
    finish(&seen);
}

static void a_file_that_is_not_there_is_told(void) {
    struct loop *loop = loop_new();
    struct input *input = NULL;

    CHECK(input_new_file(loop, "/nowhere/at/all", &events, NULL, &input) < 0);
    CHECK(!input);
    loop_free(loop);
}

TESTS(TEST(a_text_gives_its_objects_and_ends),
      TEST(what_is_wrong_ends_it_with_its_line),
      TEST(a_paused_input_gives_one_at_a_time),
      TEST(a_file_larger_than_a_chunk_is_read_whole),
      TEST(a_file_that_is_not_there_is_told))
