#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { FIRST_CAP = 64 };

void buf_init(struct buf *buf) {
    *buf = (struct buf) { 0 };
}

void buf_done(struct buf *buf) {
    free(buf->data);
    buf_init(buf);
}

void buf_clear(struct buf *buf) {
    buf->len = 0;
}

uint8_t *buf_room(struct buf *buf, size_t len) {
    if (buf->cap - buf->len < len) {
        size_t cap = buf->cap ? buf->cap : FIRST_CAP;
        while (cap - buf->len < len)
            cap *= 2;
        buf->data = mem_grow(buf->data, cap);
        buf->cap = cap;
    }
    return buf->data + buf->len;
}

void buf_added(struct buf *buf, size_t len) {
    buf->len += len;
}

void buf_add(struct buf *buf, const void *bytes, size_t len) {
    if (len == 0)
        return;
    memcpy(buf_room(buf, len), bytes, len);
    buf->len += len;
}

void buf_add_byte(struct buf *buf, uint8_t byte) {
    *buf_room(buf, 1) = byte;
    buf->len++;
}

void buf_add_slice(struct buf *buf, struct slice bytes) {
    buf_add(buf, bytes.at, bytes.len);
}

void buf_add_text(struct buf *buf, const char *text) {
    buf_add(buf, text, strlen(text));
}

void buf_vprintf(struct buf *buf, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0)
        return;

    char *at = (char *)buf_room(buf, (size_t)len + 1);
    vsnprintf(at, (size_t)len + 1, format, args);
    buf->len += (size_t)len;
}

void buf_printf(struct buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

void buf_drop(struct buf *buf, size_t n) {
    if (n == 0)
        return;
    buf->len -= n;
    if (buf->len > 0)
        memmove(buf->data, buf->data + n, buf->len);
}

struct slice buf_slice(const struct buf *buf) {
    return slice_of(buf->data, buf->len);
}

const char *buf_text(struct buf *buf) {
    *buf_room(buf, 1) = '\0';
    return (const char *)buf->data;
}

char *buf_take_text(struct buf *buf) {
    buf_text(buf);
    char *text = (char *)TAKE(buf->data);
    buf_init(buf);
    return text;
}
