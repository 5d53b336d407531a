#include "agent/collect/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

static char *make_file(const char *text, size_t len) {
    char *path = mem_strdup("/tmp/source_test.XXXXXX");
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, text, len) == (ssize_t)len);
    close(fd);
    return path;
}

static void every_length_is_read_whole(void) {
    static const size_t lengths[] = { 0, 1, 2047, 2048, 8191, 8192, 8193, 100000 };
    static char text[100000];
    struct page page = { 0 };

    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct source source;
        source_init(&source, make_file(text, lengths[i]));
        CHECK_INT(source_read(&source, &page), -EBADF);
        CHECK_INT(source_open(&source), 0);
        for (int again = 0; again < 2; again++) {
            CHECK_INT(source_read(&source, &page), 0);
            CHECK_INT(page.len, lengths[i]);
            CHECK_INT(strlen(page.text), lengths[i]);
        }
        unlink(source.path);
        source_done(&source);
    }
    source_page_done(&page);
}

struct seen {
    size_t count, bytes;
};

static void on_line(void *arg, const char *line) {
    struct seen *seen = arg;
    seen->count++;
    seen->bytes += strlen(line);
}

static void lines_are_shown_however_pieces_fall(void) {
    static char text[64 * 1000];
    struct page page = { 0 };
    struct source source;
    size_t len = 0;

    for (size_t i = 0; i < 1000; i++) {
        memset(text + len, 'a', i % 64);
        len += i % 64;
        text[len++] = '\n';
    }
    for (size_t cut = 0; cut < 3; cut++) {
        struct seen seen = { 0 };
        source_init(&source, make_file(text, len - cut));
        CHECK_INT(source_open(&source), 0);
        CHECK_INT(source_each_line(&source, &page, on_line, &seen), 0);
        CHECK_INT(seen.count, 1000);
        CHECK_INT(seen.bytes, len - 1000 - (cut > 1 ? cut - 1 : 0));
        unlink(source.path);
        source_done(&source);
    }
    source_page_done(&page);
}

static void a_line_without_end_is_cut_and_not_kept(void) {
    static char text[50000];
    struct page page = { 0 };
    struct source source;
    struct seen seen = { 0 };

    memset(text, 'b', sizeof(text));
    source_init(&source, make_file(text, sizeof(text)));
    CHECK_INT(source_open(&source), 0);
    CHECK_INT(source_each_line(&source, &page, on_line, &seen), 0);
    CHECK_INT(seen.bytes, sizeof(text));
    CHECK(page.cap < sizeof(text));
    unlink(source.path);
    source_done(&source);
    source_page_done(&page);
}

static void numbers_are_read_and_nonsense_is_refused(void) {
    static const struct {
        const char *text;
        int result;
        int64_t number;
    } rows[] = {
        { "42\n", 0, 42 },
        { "-12500\n", 0, -12500 },
        { "", -EINVAL, 0 },
        { "on\n", -EINVAL, 0 },
        { "99999999999999999999999\n", -EINVAL, 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct source source;
        int64_t number = 7;
        source_init(&source, make_file(rows[i].text, strlen(rows[i].text)));
        CHECK_INT(source_open(&source), 0);
        CHECK_INT(source_read_number(&source, &number), rows[i].result);
        CHECK(number == (rows[i].result == 0 ? rows[i].number : 7));
        CHECK(source_is_open(&source));
        unlink(source.path);
        source_done(&source);
        CHECK(source_open(&source) < 0 && !source_is_open(&source));
    }
}

TESTS(TEST(every_length_is_read_whole),
      TEST(lines_are_shown_however_pieces_fall),
      TEST(a_line_without_end_is_cut_and_not_kept),
      TEST(numbers_are_read_and_nonsense_is_refused))
