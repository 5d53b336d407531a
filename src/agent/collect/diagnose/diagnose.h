/*
 * diagnose - what a host is made of and what is wrong with it, from the kernel's files
 *
 * Sections of items of named values; an item with something wrong has a concern. Nothing
 * is kept between calls, and no program is run but smartctl where it is installed. It
 * blocks (disks, smartctl): for a worker thread. What devices and logs say is cleaned and
 * bounded here.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum {
    DIAGNOSE_ITEMS_MAX = 256, /* of a section */
    DIAGNOSE_FIELDS_MAX = 32, /* of an item */
    DIAGNOSE_VALUE_MAX = 512,
};

struct diagnose_field {
    const char *name; /* borrowed: static */
    char *value;      /* owned */
};

struct diagnose_item {
    char *name;                    /* owned */
    char *concern;                 /* owned; NULL: none */
    struct diagnose_field *fields; /* owned */
    size_t count;
};

struct diagnose_section {
    const char *name;            /* borrowed: static */
    struct diagnose_item *items; /* owned */
    size_t count;
};

enum { DIAGNOSE_SECTIONS = 9 };

struct diagnose {
    const char *root;         /* borrowed: "" or a folder that stands in for / */
    atomic_bool is_cancelled; /* by another thread: what takes long ends soon */
    struct diagnose_section sections[DIAGNOSE_SECTIONS];
    size_t count;
};

/* Frees all that was found. */
void diagnose_done(struct diagnose *diagnose);

/* Appends it as text for a person, concerns first. */
void diagnose_print(const struct diagnose *diagnose, struct buf *out);

/* --- for the files that look --- */

/* Begins a section; items go to the last one. */
void diagnose_begin(struct diagnose *diagnose, const char *name);

/* Begins an item; over the limit it is left out, with what follows for it. */
void diagnose_item(struct diagnose *diagnose, const char *name);

/* Adds a value to the item; an empty one is left out. */
void diagnose_add(struct diagnose *diagnose, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says what is wrong with the item; several follow each other. */
void diagnose_worry(struct diagnose *diagnose, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds the one-line file as a value, when it is there. */
void diagnose_add_file(struct diagnose *diagnose,
                       const char *name,
                       const char *path_format,
                       ...) __attribute__((format(printf, 3, 4)));

/* The start of a file under the root, without white space at its end; "" when it cannot
 * be read. The caller's. */
char *diagnose_read(const struct diagnose *diagnose, const char *path_format, ...)
    __attribute__((format(printf, 2, 3)));

/* A number in a file, decimal or 0x...; the fallback when there is none. */
long long diagnose_number(const struct diagnose *diagnose,
                          long long fallback,
                          const char *path_format,
                          ...) __attribute__((format(printf, 3, 4)));

/* What a link under the root leads to, its last part; "" when it is none. The caller's.
 */
char *diagnose_link(const struct diagnose *diagnose, const char *path_format, ...)
    __attribute__((format(printf, 2, 3)));

/* "1.8 TB" */
enum { DIAGNOSE_SIZE_LEN = 24 };
const char *diagnose_size(unsigned long long bytes,
                          char ret_text[static DIAGNOSE_SIZE_LEN]);
