#include "base/log.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

enum { LINE_MAX_LEN = 512 };

/* Standard error goes to a pipe while a line is logged. */
struct listener {
    int ends[2];
    int kept; /* the real standard error */
};

static void listen_begin(struct listener *listener) {
    CHECK_INT(pipe(listener->ends), 0);
    listener->kept = dup(STDERR_FILENO);
    CHECK(dup2(listener->ends[1], STDERR_FILENO) >= 0);
}

/* What was logged; "" when nothing was. */
static void listen_end(struct listener *listener, char ret_line[static LINE_MAX_LEN]) {
    dup2(listener->kept, STDERR_FILENO);
    close(listener->kept);
    close(listener->ends[1]);
    ssize_t len = read(listener->ends[0], ret_line, LINE_MAX_LEN - 1);
    CHECK(len >= 0);
    ret_line[len] = '\0';
    close(listener->ends[0]);
}

/* JOURNAL_STREAM as systemd sets it for what standard error is now. */
static void name_journal(void) {
    struct stat facts;
    char text[64];

    CHECK_INT(fstat(STDERR_FILENO, &facts), 0);
    snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)facts.st_dev,
             (uintmax_t)facts.st_ino);
    setenv("JOURNAL_STREAM", text, 1);
}

static void a_line_carries_time_and_level(void) {
    struct listener listener;
    char line[LINE_MAX_LEN];

    unsetenv("JOURNAL_STREAM");
    listen_begin(&listener);
    log_warning("%s is %d", "it", 7);
    listen_end(&listener, line);
    CHECK(line[10] == 'T' && line[23] == 'Z');
    CHECK_TEXT(line + 24, " warning: it is 7\n");
}

static void the_journal_gets_priorities(void) {
    struct listener listener;
    char line[LINE_MAX_LEN];

    listen_begin(&listener);
    name_journal();
    log_error("broken");
    log_info("fine");
    listen_end(&listener, line);
    CHECK_TEXT(line, "<3>broken\n<6>fine\n");

    log_set_json(true);
    listen_begin(&listener);
    name_journal();
    log_error("broken");
    listen_end(&listener, line);
    log_set_json(false);
    CHECK(strncmp(line, "<3>{\"time\":\"", 12) == 0);
}

/* A program started from a shell in a service inherits the variable, not the file. */
static void another_stream_is_not_the_journal(void) {
    struct listener listener;
    char line[LINE_MAX_LEN];

    setenv("JOURNAL_STREAM", "1:2", 1);
    listen_begin(&listener);
    log_info("fine");
    listen_end(&listener, line);
    unsetenv("JOURNAL_STREAM");
    CHECK_TEXT(line + 24, " info: fine\n");
}

static void no_peer_can_forge_a_line(void) {
    struct listener listener;
    char line[LINE_MAX_LEN];

    unsetenv("JOURNAL_STREAM");
    listen_begin(&listener);
    log_info("%s", "a\n<3>b\x1b[31m\x7f");
    listen_end(&listener, line);
    CHECK_TEXT(line + 24, " info: a\\x0a<3>b\\x1b[31m\\x7f\n");

    log_set_json(true);
    listen_begin(&listener);
    log_info("%s", "\"\\\n");
    listen_end(&listener, line);
    log_set_json(false);
    CHECK(strstr(line, "\"message\":\"\\\"\\\\\\u000a\"}\n"));
}

static void what_is_below_the_threshold_is_not_written(void) {
    struct listener listener;
    char line[LINE_MAX_LEN];

    listen_begin(&listener);
    log_debug("nobody asked");
    log_set_level(LOG_LEVEL_WARNING);
    log_info("nor for this");
    log_set_level(LOG_LEVEL_INFO);
    log_info("%s", "");
    listen_end(&listener, line);
    CHECK_TEXT(line + 24, " info: \n");
    CHECK_INT(log_level_parse("WARN"), LOG_LEVEL_WARNING);
    CHECK(log_level_parse("loud") < 0);
}

TESTS(TEST(a_line_carries_time_and_level),
      TEST(the_journal_gets_priorities),
      TEST(another_stream_is_not_the_journal),
      TEST(no_peer_can_forge_a_line),
      TEST(what_is_below_the_threshold_is_not_written))
