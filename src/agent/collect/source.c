#include "agent/collect/source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    PAGE_FIRST = 8 << 10,
    PAGE_MAX = 1 << 20, /* /proc/stat of 1,000 cores is far below */
    /* The kernel hands out records that fit into its page; the rest needs another read.
     * No record is as long as this, so a shorter read was the last. */
    SURELY_LAST = 2048,
};

void source_page_done(struct page *page) {
    free(page->text);
    *page = (struct page) { 0 };
}

static void make_room(struct page *page) {
    if (page->cap - page->len > SURELY_LAST)
        return;
    page->cap = page->cap ? page->cap * 2 : PAGE_FIRST;
    page->text = mem_grow(page->text, page->cap);
}

void source_init(struct source *source, char *path) {
    *source = (struct source) { .path = path, .fd = -1 };
}

static void close_now(struct source *source) {
    if (source->fd >= 0)
        close(source->fd);
    source->fd = -1;
}

void source_done(struct source *source) {
    if (!source->path)
        return;
    close_now(source);
    free(source->path);
    *source = (struct source) { .fd = -1 };
}

int source_open(struct source *source) {
    if (!source->path)
        return -ENOENT;
    if (source->fd >= 0)
        return 0;
    source->fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return source->fd < 0 ? -errno : 0;
}

bool source_is_open(const struct source *source) {
    return source->path && source->fd >= 0;
}

int source_read(struct source *source, struct page *page) {
    ssize_t got;

    if (source->fd < 0)
        return -EBADF;
    page->len = 0;
    do {
        make_room(page);
        size_t room = page->cap - page->len - 1;
        got = pread(source->fd, page->text + page->len, room, (off_t)page->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int error = errno;
            close_now(source);
            return -error;
        }
        page->len += (size_t)got;
    } while ((got < 0 || got >= SURELY_LAST) && page->len < PAGE_MAX);
    page->text[page->len] = '\0';
    return 0;
}

/* Shows the whole lines in the page and moves what is left to its start. */
static void show_lines(struct page *page,
                       bool is_end,
                       void (*on_line)(void *arg, const char *line),
                       void *arg) {
    char *at = page->text, *end = page->text + page->len, *stop;

    *end = '\0';
    while (at < end && (stop = memchr(at, '\n', (size_t)(end - at)))) {
        *stop = '\0';
        on_line(arg, at);
        at = stop + 1;
    }
    bool is_full = at == page->text && page->cap - page->len <= 1;
    if (at < end && (is_end || is_full)) {
        on_line(arg, at);
        at = end;
    }
    page->len = (size_t)(end - at);
    memmove(page->text, at, page->len);
}

int source_each_line(struct source *source,
                     struct page *page,
                     void (*on_line)(void *arg, const char *line),
                     void *arg) {
    off_t offset = 0;
    ssize_t got;

    if (source->fd < 0)
        return -EBADF;
    page->len = 0;
    make_room(page);
    do {
        size_t room = page->cap - page->len - 1;
        got = pread(source->fd, page->text + page->len, room, offset);
        if (got < 0) {
            int error = errno;
            close_now(source);
            return -error;
        }
        offset += got;
        page->len += (size_t)got;
        show_lines(page, got == 0, on_line, arg);
    } while (got > 0);
    return 0;
}

int source_read_number(struct source *source, int64_t *ret_number) {
    char text[32];
    char *end;

    if (source->fd < 0)
        return -EBADF;
    ssize_t got = pread(source->fd, text, sizeof(text) - 1, 0);
    if (got < 0) {
        int error = errno;
        /* Sensors answer "not now" without being gone. */
        if (error != EAGAIN && error != ENODATA && error != EINVAL && error != EINTR &&
            error != EIO && error != EBUSY && error != ETIMEDOUT)
            close_now(source);
        return -error;
    }
    text[got] = '\0';
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || errno != 0)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

int source_peek(const char *path, char *ret_text, size_t cap) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    ssize_t got = read(fd, ret_text, cap - 1);
    int error = errno;
    close(fd);
    if (got < 0)
        return -error;
    while (got > 0 &&
           (isspace((unsigned char)ret_text[got - 1]) || ret_text[got - 1] == '\0'))
        got--;
    ret_text[got] = '\0';
    return 0;
}
