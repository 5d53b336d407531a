/*
 * settings_load - every source of a program's settings, in one call
 *
 * Programs have the flags (rows without section) "config", "help" and "version", and one
 * that names their folder.
 */
#pragma once

struct settings;

/*
 * Reads the command line, the environment, .env in the working directory, and the
 * settings file: --config, which must exist, or file_name in the folder of folder_row.
 * After --help and --version nothing but the command line is read. 0, SETTINGS_E_BAD or
 * -errno (with an error text).
 */
int settings_load(struct settings *settings,
                  int argc,
                  char *const *argv,
                  const char *folder_row,
                  const char *file_name);
