/*
 * settings_file - a file of settings as one text, for who reads its lines
 */
#pragma once

#include <stdbool.h>

struct settings;

/*
 * Hands the file's text to take, which answers 0 or SETTINGS_E_BAD, and wipes it. What is
 * not there is fine unless it is needed. 0, what take answered, SETTINGS_E_BAD or -errno
 * (with an error text).
 */
int settings_file_read(struct settings *settings,
                       const char *path,
                       bool needed,
                       int (*take)(struct settings *settings,
                                   const char *path,
                                   const char *text));
