/*
 * settings_env - settings from the environment and from a .env file
 *
 * A .env file has lines KEY=VALUE and comments that start with '#'; there is no quoting,
 * and spaces around key and value do not count. Names that are none of ours are left to
 * the programs that they belong to. An empty value counts for lists without a default
 * only: it empties them.
 */
#pragma once

struct settings;

/* Reads "NAME=VALUE" strings up to NULL, such as environ (which may itself be NULL). 0 or
 * SETTINGS_E_BAD. */
int settings_env_read(struct settings *settings, char *const *environment);

/* Reads the file if it is there. 0, SETTINGS_E_BAD or -errno (with an error text). */
int settings_env_read_file(struct settings *settings, const char *path);

/* Reads one text; path is for errors. */
int settings_env_read_text(struct settings *settings, const char *path, const char *text);
