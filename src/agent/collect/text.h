/*
 * text - take numbers and words out of the files of /proc
 *
 * Each function moves a cursor forward over what it took. Nothing reads past a NUL, and
 * but for text_next_line() nothing leaves the line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes blanks and a decimal number (clipped at the largest); false: there is none. */
bool text_number(const char **at, uint64_t *ret_number);

/* Takes up to count numbers and returns how many came. */
size_t text_numbers(const char **at, uint64_t *ret_numbers, size_t count);

/* Takes a number with a point, as an integer times 10^-decimals, cut: "0.529" at 2: 52.
 */
bool text_fixed(const char **at, unsigned decimals, int64_t *ret_number);

/* Takes blanks and a word, lending it; false: the line ends. */
bool text_word(const char **at, const char **ret_word, size_t *ret_len);

/* The start of the next line, or the NUL. */
const char *text_next_line(const char *at);

/* Takes these characters if the text goes on with them. */
bool text_skip(const char **at, const char *expected);

/* Does a list parted by commas hold a pattern (fnmatch) for this name? NULL holds none.
 */
bool text_list_matches(const char *patterns, const char *name);

/* Does the name contain one of the words of a list parted by commas? */
bool text_list_inside(const char *words, const char *name);
