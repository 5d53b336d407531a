/*
 * proc_strings - many small texts in few pieces of memory, freed together
 *
 * What comes from a process is made text here: UTF-8 without control characters.
 */
#pragma once

#include <stddef.h>

struct proc_strings_block;

/* Zero it. Strings stay where they are until proc_strings_done(). */
struct proc_strings {
    struct proc_strings_block *blocks; /* owned */
    size_t bytes;                      /* of all strings */
};

/* Copies len bytes as text: bytes that are none become U+FFFD, control characters
 * blanks. */
const char *proc_strings_add(struct proc_strings *strings, const char *bytes, size_t len);

/* Frees all; it is empty and usable afterwards. */
void proc_strings_done(struct proc_strings *strings);
