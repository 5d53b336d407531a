/*
 * hex - bytes as hexadecimal digits and back
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Writes 2 * len lower case digits and a NUL. */
void hex_encode(char *ret_text, const void *bytes, size_t len);

/* Reads exactly 2 * len digits of either case, then the end of the string; else false,
 * and what ret_bytes holds is not to be used. */
bool hex_decode(void *ret_bytes, size_t len, const char *text);
