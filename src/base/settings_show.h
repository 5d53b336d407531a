/*
 * settings_show - what a person reads about settings
 *
 * Made from the table alone, so that help and behaviour cannot differ; the manual's
 * lists are made from it too, by tools/manual. Secrets are never printed.
 */
#pragma once

struct buf;
struct settings;
struct settings_table;

/* Appends the lines of --help about the flags of this subcommand (NULL: of all). */
void settings_show_help(const struct settings_table *table,
                        const char *command,
                        struct buf *out);

/*
 * Appends each setting as an INI file, with what is not the default, its default and
 * where it comes from as comments.
 */
void settings_show_values(const struct settings *settings, struct buf *out);
