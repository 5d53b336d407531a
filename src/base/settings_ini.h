/*
 * settings_ini - settings from INI files
 *
 * "[section]", "name = value", comments after ';' or '#' at the start of a line and after
 * " ;". An indented line goes on with the list above it. A secret NAME may also be given
 * as NAME_file, the path of a file that holds it (beside the INI file when it is no
 * absolute path). What the table does not know is an error with file and line.
 */
#pragma once

#include <stdbool.h>

struct settings;

/*
 * Reads the file, then each conf.d/NAME.conf beside it in the order of names, of which
 * later ones win. A file that is missing is fine unless needed. 0, SETTINGS_E_BAD or
 * -errno (with an error text).
 */
int settings_ini_read(struct settings *settings, const char *path, bool needed);

/* Reads one text; path is for errors and for NAME_file. The text must end in NUL. */
int settings_ini_read_text(struct settings *settings, const char *path, const char *text);
