#include "agent/collect/proc/proc_stat.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define NUMBERS                                                                          \
    " 811 812 812 34817 -1 4194560 98 0 0 0 250 130 0 0 20 -5 3 0 3993047 3133440 366 "  \
    "18446744073709551615 94788380131328\n"

/* In memory of exactly that size, so that a sanitizer sees a read past it. */
static bool parse(const char *text, size_t len, struct proc_stat *ret_stat) {
    auto_(mem_freep) char *copy = mem_grow(NULL, len);
    memcpy(copy, text, len);
    return proc_stat_parse(copy, len, ret_stat);
}

static void a_line_is_read(void) {
    static const char line[] = "812 (nginx) S" NUMBERS;
    struct proc_stat stat;

    CHECK(parse(line, strlen(line), &stat));
    CHECK_INT(stat.pid, 812);
    CHECK_TEXT(stat.name, "nginx");
    CHECK_INT(stat.name_len, 5);
    CHECK_INT(stat.state, 'S');
    CHECK_INT(stat.parent, 811);
    CHECK_INT(stat.terminal, 34817);
    CHECK_INT(stat.user_ticks, 250);
    CHECK_INT(stat.system_ticks, 130);
    CHECK_INT(stat.nice, -5);
    CHECK_INT(stat.threads, 3);
    CHECK_INT(stat.start_ticks, 3993047);
    CHECK_INT(stat.rss_pages, 366);
    CHECK(!stat.is_kernel_thread);
}

static void names_hold_whatever_they_like(void) {
    static const struct {
        const char *line;
        const char *name;
    } rows[] = {
        { "7 (a) b (c) S" NUMBERS, "a) b (c" },
        { "7 (a) R 1 (b) S" NUMBERS, "a) R 1 (b" },
        { "7 () S" NUMBERS, "" },
        { "7 ()) S" NUMBERS, ")" },
        { "7 (a\\nb) S" NUMBERS, "a\nb" },
        { "7 (a\nb) S" NUMBERS, "a\nb" },
        { "7 (a\\\\n) S" NUMBERS, "a\\n" },
        { "7 (\\) S" NUMBERS, "\\" },
        { "7 (\xff\x01) S" NUMBERS, "\xff\x01" },
        { "7 (kworker/u130:3-events_unbound_and_something_that_is_very_long_xxx) "
          "S" NUMBERS,
          "kworker/u130:3-events_unbound_and_something_that_is_very_long_xx" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct proc_stat stat;
        CHECK(parse(rows[i].line, strlen(rows[i].line), &stat));
        CHECK_TEXT(stat.name, rows[i].name);
        CHECK_INT(stat.state, 'S');
        CHECK_INT(stat.parent, 811);
    }
}

static void a_nul_in_a_name_does_not_end_it(void) {
    static const char line[] = "7 (a\0b) S" NUMBERS;
    struct proc_stat stat;

    CHECK(parse(line, sizeof(line) - 1, &stat));
    CHECK_TEXT(stat.name, "a?b");
}

static void threads_of_the_kernel_are_told(void) {
    static const char line[] = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 4 0 0 20 0 1 "
                               "0 3 0 0 18446744073709551615 0 0";
    struct proc_stat stat;

    CHECK(parse(line, strlen(line), &stat));
    CHECK(stat.is_kernel_thread);
    CHECK_INT(stat.parent, 0);
}

static void numbers_beyond_reason_are_cut(void) {
    static const char line[] =
        "7 (a) S -1 0 0 99999999999 0 0 0 0 0 0 99999999999999999999999 -5 0 0 0 "
        "-99999999999 99999999999 0 7 0 -1";
    struct proc_stat stat;

    CHECK(parse(line, strlen(line), &stat));
    CHECK_INT(stat.parent, 0);
    CHECK_INT(stat.terminal, INT32_MAX);
    CHECK_INT(stat.user_ticks, INT64_MAX);
    CHECK_INT(stat.system_ticks, 0);
    CHECK_INT(stat.nice, INT32_MIN);
    CHECK_INT(stat.threads, UINT32_MAX);
    CHECK_INT(stat.rss_pages, 0);
}

static void what_is_cut_short_is_refused_and_touches_nothing(void) {
    static const char line[] = "812 (nginx) S" NUMBERS;
    const char *last = strstr(line, " 366 ") + 2; /* one digit of it is a number, too */

    for (size_t len = 0; len < (size_t)(last - line); len++) {
        struct proc_stat stat = { .pid = 99 };
        CHECK(!parse(line, len, &stat));
        CHECK_INT(stat.pid, 99);
    }
}

static void what_is_no_line_is_refused(void) {
    static const char *const lines[] = {
        "x (a) S" NUMBERS,  "0 (a) S" NUMBERS,
        "-7 (a) S" NUMBERS, "99999999999 (a) S" NUMBERS,
        "7 a S" NUMBERS,    "7(a) S" NUMBERS,
        "7 (a)S" NUMBERS,   "7 (a) SS" NUMBERS,
        "7 (a S" NUMBERS,   "7 (a) S 1 x 1 1 1 1 1 1 1",
        "(a) S" NUMBERS,    "",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct proc_stat stat;
        CHECK(!parse(lines[i], strlen(lines[i]), &stat));
    }
}

TESTS(TEST(a_line_is_read),
      TEST(names_hold_whatever_they_like),
      TEST(a_nul_in_a_name_does_not_end_it),
      TEST(threads_of_the_kernel_are_told),
      TEST(numbers_beyond_reason_are_cut),
      TEST(what_is_cut_short_is_refused_and_touches_nothing),
      TEST(what_is_no_line_is_refused))
