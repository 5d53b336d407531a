/*
 * buf - bytes that grow
 *
 * An embeddable value: zero it or use buf_init(), end it with buf_done(). Appending
 * never fails; limits are the caller's, checked before appending.
 */
#pragma once

#include <stdarg.h>

#include "base/slice.h"

struct buf {
    uint8_t *data; /* owned */
    size_t len;
    size_t cap;
};

void buf_init(struct buf *buf);

/* Frees the bytes; the buf is empty and usable afterwards. */
void buf_done(struct buf *buf);

/* Forgets the bytes and keeps the room. */
void buf_clear(struct buf *buf);

/* Makes room for len more bytes and lends the place; buf_added() says how many came. */
uint8_t *buf_room(struct buf *buf, size_t len);
void buf_added(struct buf *buf, size_t len);

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_byte(struct buf *buf, uint8_t byte);
void buf_add_slice(struct buf *buf, struct slice bytes);
void buf_add_text(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Drops the first n bytes (n <= len) by moving the rest down. */
void buf_drop(struct buf *buf, size_t n);

/* Lends the bytes until the next change. */
struct slice buf_slice(const struct buf *buf);

/* Lends the bytes as a string: a NUL follows them, not counted in len. */
const char *buf_text(struct buf *buf);

/* Hands the bytes over as a string to be freed by the caller; the buf is empty. */
char *buf_take_text(struct buf *buf);
