#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    LARGE = 128 << 10, /* the usual threshold, which grows with use else */
    SMALL = 1024, /* sizes that glibc keeps at hand for each thread, for malloc alone */
};

static _Noreturn void die(size_t size) {
    fprintf(stderr, "out of memory (%zu bytes)\n", size);
    abort();
}

/* calloc() passes by what malloc() keeps at hand, and searches the heap. */
void *mem_new(size_t size) {
    bool is_small = size <= SMALL;
    void *at = is_small ? malloc(size ? size : 1) : calloc(1, size);
    if (!at)
        die(size);
    return is_small ? memset(at, 0, size) : at;
}

void *mem_new_array(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        die(count);
    return mem_new(total);
}

void *mem_grow(void *at, size_t size) {
    void *grown = realloc(at, size ? size : 1);
    if (!grown)
        die(size);
    return grown;
}

void *mem_dup(const void *at, size_t len) {
    char *copy = malloc(len + 1);
    if (!copy)
        die(len);
    if (len > 0)
        memcpy(copy, at, len);
    copy[len] = '\0';
    return copy;
}

char *mem_strdup(const char *text) {
    return text ? mem_dup(text, strlen(text)) : NULL;
}

char *mem_printf(const char *format, ...) {
    va_list args;
    char *text;

    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        die(0);
    return text;
}

void mem_wipe(void *at, size_t len) {
    explicit_bzero(at, len);
}

void mem_stay_small(void) {
    mallopt(M_MMAP_THRESHOLD, LARGE);
    mallopt(M_TRIM_THRESHOLD, LARGE);
}

void mem_trim(void) {
    malloc_trim(0);
}

void mem_freep(void *pointer_variable) {
    void *at;
    memcpy(&at, pointer_variable, sizeof(at));
    free(at);
}
