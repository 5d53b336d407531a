/*
 * source - a file of /proc or /sys that stays open
 *
 * Read from its start each time. A read that fails closes it, and it stays closed until
 * source_open() is called again (on the next scan), so that a device that went away
 * costs nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a file is read to; one is shared by all collectors. */
struct page {
    char *text; /* owned; ends in a NUL that is not in len */
    size_t len;
    size_t cap;
};

struct source {
    char *path; /* owned */
    int fd;     /* -1: closed */
};

void source_page_done(struct page *page);

/* Takes the path; opens nothing yet. */
void source_init(struct source *source, char *path);

/* Closes and frees; a zeroed source is fine. */
void source_done(struct source *source);

/* Opens unless it is open: 0 or -errno. */
int source_open(struct source *source);

bool source_is_open(const struct source *source);

/* Reads the whole file, at most 1 MiB of it: 0 or -errno, also when it is closed. */
int source_read(struct source *source, struct page *page);

/* Reads one decimal number, maybe negative: 0 or -errno. -EINVAL keeps it open. */
int source_read_number(struct source *source, int64_t *ret_number);

/* Reads the start of a file, without white space at its end: 0 or -errno. */
int source_peek(const char *path, char *ret_text, size_t cap);

/*
 * Reads a file of any length piece by piece and shows each line, whose end is a NUL:
 * 0 or -errno. A line longer than the page is cut.
 */
int source_each_line(struct source *source,
                     struct page *page,
                     void (*on_line)(void *arg, const char *line),
                     void *arg);
