/*
 * mem - memory that is either there or ends the process
 *
 * Small allocations never fail to the caller: a failure prints one line and aborts.
 * Whatever a peer can make big must be limited or charged before it comes here.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

/* Runs fn(&variable) when the variable leaves its scope. */
#define auto_(fn) __attribute__((cleanup(fn)))

/* Yields the pointer and sets the variable to NULL: ownership moves on. */
#define TAKE(p)                                                                          \
    ({                                                                                   \
        __typeof__(p) taken_ = (p);                                                      \
        (p) = NULL;                                                                      \
        taken_;                                                                          \
    })

/* Returns size zeroed bytes; free() releases them. */
void *mem_new(size_t size) __attribute__((malloc, returns_nonnull));

/* Returns count * size zeroed bytes; aborts when the product overflows. */
void *mem_new_array(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* Resizes like realloc; size 0 is treated as 1. New bytes are not zeroed. */
void *mem_grow(void *at, size_t size) __attribute__((returns_nonnull));

/* Copies len bytes and appends a NUL that is not part of them. */
void *mem_dup(const void *at, size_t len) __attribute__((malloc, returns_nonnull));

/* Copies a string; NULL gives NULL. */
char *mem_strdup(const char *text) __attribute__((malloc));

/* printf into a new string. */
char *mem_printf(const char *format, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* Overwrites secrets in a way the compiler keeps. */
void mem_wipe(void *at, size_t len);

/* Keeps what is large apart from now on, so that it goes back to the system when it is
 * freed, on whichever thread; for a program that has to be small. */
void mem_stay_small(void);

/* Gives pages that are free back to the system; takes some milliseconds. */
void mem_trim(void);

/* For auto_(mem_freep): frees what a char, uint8_t or void pointer variable holds. */
void mem_freep(void *pointer_variable);
